"""The service: REST under ``/v1``, MCP under ``/mcp`` and the inspector, behind keys."""
