"""Demo mode says so: nobody should take an open system for a secure one."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def says_demo(app: ASGIApp) -> ASGIApp:
    """`app`, with a header in every answer that says that this is a demo."""

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-gbike-mode", b"demo")]
            await send(message)

        await app(scope, receive, send_marked)

    return marked
