"""Start commands of the gateways that are compared; `ours*` is this project, PEERS a folder with one venv per peer."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.environ.get("PEERS", os.path.expanduser("~/peers"))
OURS = os.environ.get("OURS_CMD", f"{sys.executable} -m synthlang_router")
G = {
    "nginx": {"cmd": f"nginx -c {HERE}/cfg/nginx.conf", "port": 8101},
    "vllmrouter": {
        "cmd": f"{PEERS}/vllmrouter/bin/vllm-router --worker-urls http://127.0.0.1:9000 --host 127.0.0.1 --port 8113"
        " --policy round_robin --log-level error --disable-retries --max-concurrent-requests 5000",
        "port": 8113,
    },
    **{
        name: {"cmd": f"{OURS} serve --config {HERE}/cfg/{name}.yaml --port 8200", "port": 8200, "key": "sk-test"}
        for name in ("ours", "ours-bare", "ours-full")
    },
}
