"""Lists Grove's MCP tools with the official Python client and calls each of them.

Arguments: URL of /mcp, a session token, the session's id, a repository's id. Prints the sorted names
of the tools that answered, as JSON. Exits with 1 and says why when one does not.
"""

import asyncio
import json
import sys

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


def arguments(session: str, repo: str, first: dict) -> dict:
    """What each tool is called with; `first` holds answers of tools that were called before."""
    return {
        "grove_sessions_list": {},
        "grove_sessions_get": {"id": session},
        "grove_sessions_get_current": {},
        "grove_worktrees_list": {},
        "grove_worktrees_get": {"id": first["worktree"]},
        "grove_worktrees_create": {"repo_id": repo, "worktree_name": "from-python"},
        "grove_worktrees_update": {"notes": "from Python"},
        "grove_boards_list": {},
        "grove_boards_get": {"id": first["board"]},
        "grove_tasks_list": {"session_id": session},
        "grove_tasks_get": {"id": first["task"]},
        "grove_users_list": {},
        "grove_users_get": {"id": first["user"]},
        "grove_users_get_current": {},
        "grove_users_update_current": {"emoji": "🐍"},
        "grove_sessions_spawn": {"prompt": "say hello from Python"},
    }


async def answer(client: ClientSession, tool: str, given: dict) -> dict:
    """Calls a tool that must answer with structured content."""
    result = await client.call_tool(tool, given)
    content = result.structured_content
    if result.is_error or not isinstance(content, dict):
        raise SystemExit(f"{tool}: {result}")
    return content


async def main(url: str, token: str, session: str, repo: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        streamable_http_client(url, http_client=http) as (read, write, *_),
        ClientSession(read, write) as client,
    ):
        await client.initialize()
        offered = {tool.name for tool in (await client.list_tools()).tools}
        current = await answer(client, "grove_sessions_get_current", {})
        if current["id"] != session:
            raise SystemExit(f"another session: {current}")
        tasks = await answer(client, "grove_tasks_list", {"session_id": session})
        first = {
            "worktree": current["worktree_id"],
            "board": current["board_id"],
            "user": current["created_by"],
            "task": tasks["items"][0]["id"],
        }
        calls = arguments(session, repo, first)
        if offered != set(calls):
            raise SystemExit(f"offered and known tools differ: {offered ^ set(calls)}")
        for tool, given in calls.items():
            await answer(client, tool, given)
        print(json.dumps(sorted(calls)))


asyncio.run(main(*sys.argv[1:5]))
