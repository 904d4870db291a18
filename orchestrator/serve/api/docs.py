"""``/docs``: the API described on one page, without anything from elsewhere."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    ":root{color-scheme:light dark}"
    "code,pre{font-family:ui-monospace,monospace}pre{overflow:auto;padding:.6rem;border:1px solid #8886}"
    "h2{margin-top:2rem;border-top:1px solid #8886;padding-top:1rem}table{border-collapse:collapse}"
    "td,th{text-align:left;padding:.1rem .8rem .1rem 0;vertical-align:top}"
)
#: No script, nothing from elsewhere.
CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def page(schema: Mapping[str, Any]) -> str:
    """Write an OpenAPI schema as HTML, for people; programs take ``/openapi.json``."""
    title = html.escape(f"{schema['info']['title']} {schema['info']['version']}")
    body = "".join(_operations(schema))
    models = "".join(_models(schema))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style><main><h1>{title}</h1>"
        f"<p>{html.escape(schema['info'].get('description', ''))}</p>"
        "<p>For programs: <a href='/openapi.json'>openapi.json</a></p>"
        f"{body}<h2>Objects</h2>{models}</main></html>"
    )


def _operations(schema: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>"
            yield f"<p>{html.escape(operation.get('description', operation.get('summary', '')))}</p>"
            rows = [
                f"<tr><td><code>{html.escape(p['name'])}</code><td>{p['in']}<td>{_kind(p.get('schema', {}))}"
                for p in operation.get("parameters", ())
            ]
            if rows:
                yield f"<table><tr><th>parameter<th>in<th>type{''.join(rows)}</table>"
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"<p>Body: <code>{html.escape(kind)}</code> {_kind(content.get('schema', {}))}</p>"
            for status, answer in operation.get("responses", {}).items():
                kinds = ", ".join(
                    f"<code>{html.escape(kind)}</code> {_kind(content.get('schema', {}))}"
                    for kind, content in answer.get("content", {}).items()
                )
                yield f"<p>{status}: {html.escape(answer.get('description', ''))} {kinds}</p>"


def _models(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, model in schema.get("components", {}).get("schemas", {}).items():
        yield f"<h3 id='{html.escape(name)}'>{html.escape(name)}</h3><p>{_about(model)}</p>"
        rows = [
            f"<tr><td><code>{html.escape(field)}</code><td>{_kind(about)}<td>{_about(about)}"
            for field, about in model.get("properties", {}).items()
        ]
        if rows:
            yield f"<table>{''.join(rows)}</table>"


def _about(described: Mapping[str, Any]) -> str:
    return html.escape(described.get("description", ""))


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href='#{html.escape(name)}'>{html.escape(name)}</a>"
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return html.escape(str(schema.get("type", json.dumps(schema) if schema else "anything")))
