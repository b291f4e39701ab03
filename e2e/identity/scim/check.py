"""Runs scim2-tester against the SCIM service at argv[1]; prints its results as JSON. The token is SCIM_TOKEN."""

import json
import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

client = Client(
    base_url=sys.argv[1],
    headers={"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"},
    timeout=60,
)
results = check_server(SyncSCIMClient(client))
print(json.dumps([[result.status.name, str(result.title), str(result.reason)] for result in results]))
