"""Records, operations, ports, time, ids, the registry, traces and errors: what every other layer leans on."""
