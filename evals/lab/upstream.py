"""The file a switch rewrites: nginx's upstream, and a map that makes the loaded colour readable at a location."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SERVER = re.compile(r"^\s*(server\s+([A-Za-z0-9_.-]+):\d+[^;]*;)", re.MULTILINE)


def render_upstream(colour: str, servers: Sequence[str]) -> str:
    """The switched include. `colour` is what `/__active` answers once nginx has loaded it."""
    lines = "".join(f"    server {server}:8000 max_fails=0;\n" for server in servers)
    return f'upstream chat_api {{\n{lines}}}\nmap $host $active_colour {{\n    default "{colour}";\n}}\n'


def read_upstream(text: str, colour_of: dict[str, str]) -> tuple[str, str]:
    """(colour, detail) of an upstream file: `both` when servers of two colours are named, `unknown` when none is."""
    found = _SERVER.findall(text)
    colours = {colour_of[name] for _, name in found if name in colour_of}
    detail = " ".join(line for line, _ in found)
    if not colours:
        return "unknown", detail or "no server line"
    return (colours.pop() if len(colours) == 1 else "both"), detail


NGINX_CONF = """\
worker_processes 1;
error_log stderr notice;
pid /run/nginx.pid;
events { worker_connections 512; }
http {
    log_format edge '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent rt=$request_time '
                    'uct=$upstream_connect_time urt=$upstream_response_time upstream=$upstream_addr '
                    'served_by=$upstream_http_x_served_by';
    access_log /dev/stdout edge;
    client_body_temp_path /tmp; proxy_temp_path /tmp; fastcgi_temp_path /tmp; uwsgi_temp_path /tmp; scgi_temp_path /tmp;
    resolver 127.0.0.11 valid=5s ipv6=off;
    %(limit_zone)s
    include /etc/nginx/upstream/active.conf;
    server {
        listen 80;
        location = /__active { access_log off; default_type text/plain; return 200 "$active_colour\\n"; }
        location /chat {
            %(limit)s
            proxy_pass http://chat_api;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_connect_timeout 3s;
            proxy_read_timeout 60s;
            proxy_next_upstream off;
        }
        location /docs/ {
            set $docs_site %(docs)s;
            proxy_pass http://$docs_site:8000;
        }
    }
}
"""


def render_nginx(*, docs: str, limit_per_s: int | None = None) -> str:
    """The whole nginx.conf; with a request limit per client address where one is set (answers 429)."""
    zone = (
        f"limit_req_zone $binary_remote_addr zone=edge:1m rate={limit_per_s}r/s; limit_req_status 429;"
        if limit_per_s
        else ""
    )
    limit = f"limit_req zone=edge burst={2 * limit_per_s} nodelay;" if limit_per_s else ""
    return NGINX_CONF % {"docs": docs, "limit_zone": zone, "limit": limit}
