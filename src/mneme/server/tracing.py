"""OpenTelemetry traces, when asked for: one span a request, named by its route, without content, spaces or keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mneme.core.errors import MissingExtra

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer
    from starlette.types import Scope

_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class RequestSpan:
    """The span of a request that is being answered."""

    span: Span

    def end_with(self, route: str, status: int) -> None:
        """Write down how it ended."""
        from opentelemetry.trace import Status, StatusCode

        self.span.update_name(route)
        self.span.set_attribute("http.route", route)
        self.span.set_attribute("http.response.status_code", status)
        if status >= _SERVER_ERROR:
            self.span.set_status(Status(StatusCode.ERROR))


class Tracing:
    """Makes spans.

    Args:
        provider: where they go; None exports them by OTLP over HTTP, to where the usual ``OTEL_EXPORTER_OTLP_*`` variables say.

    Raises:
        MissingExtra: the packages are not installed.
    """

    def __init__(self, provider: Any = None) -> None:
        try:
            from opentelemetry.propagate import extract
            from opentelemetry.trace import SpanKind
        except ImportError as error:
            raise MissingExtra("--otel", "otel") from error
        self._provider = _exporting() if provider is None else provider
        self._tracer: Tracer = self._provider.get_tracer("mneme.server")
        self._extract, self._kind = extract, SpanKind.SERVER

    @contextmanager
    def request(self, scope: Scope) -> Iterator[RequestSpan]:
        """Span a request; it continues the caller's trace if the request names one."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        attributes = {"http.request.method": scope["method"]}
        with self._tracer.start_as_current_span(
            scope["method"], context=self._extract(headers), kind=self._kind, attributes=attributes, record_exception=False
        ) as span:
            yield RequestSpan(span)

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def _exporting() -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtra("--otel", "otel") from error
    provider = TracerProvider(resource=Resource.create({"service.name": "mneme"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
