"""`PassageResource`: what is passed on unread, by an explicit list of paths: pictures, sounds, moderations.

The same steps as for chat: verify, admit, limit, route, record. A form with files goes on while it comes; the answer
comes back block by block. One that breaks after its first block ends without its end, so that nobody takes it for
whole.
"""

from __future__ import annotations

from synthlang_router.answer import Answer
from synthlang_router.api.chat import ChatResource
from synthlang_router.api.exchange import Exchange
from synthlang_router.api.upload import media_of, open_upload
from synthlang_router.errors import RouterError
from synthlang_router.models import ChatChunk, ChatRequest, Facts, Wishes
from synthlang_router.telemetry import count
from synthlang_router.wire.passage import FORMS, form_passage, read_passage


class PassageResource(ChatResource):
    """One path of `wire.passage`."""

    async def _serve(self, exchange: Exchange, facts: Facts) -> None:
        head = exchange.head
        media = media_of(head.headers)
        if self.kind not in FORMS or not media.lower().startswith("multipart/"):
            await super()._serve(exchange, facts)
            return
        caller = head.caller(self.verify_api_key, self.still_holds)
        self.intake.admit()
        held = 0
        try:
            wishes = head.wishes(caller, self.wishes())
            facts.tags = wishes.tags
            upload = open_upload(exchange, media, self.intake.max_body)
            await upload.begin(self.intake)
            held = upload.held
            request = form_passage(upload, upload.model, self.kind)
            await self._answer(caller, request, wishes, facts, exchange)
        finally:
            self.intake.leave(held)

    def _parse(self, body: bytes, encoding: str) -> ChatRequest:
        return read_passage(self.intake.plain(body, encoding) if encoding else body, self.kind)

    async def _send(
        self, answer: Answer, request: ChatRequest, wishes: Wishes, facts: Facts, exchange: Exchange
    ) -> None:
        await answer.open()
        media = b"application/octet-stream" if not facts.media else facts.media.encode("latin-1")
        await exchange.start(200, [(b"content-type", media), *self._told(facts)])
        async for batch in answer:
            block = b"".join(item.raw for item in batch if isinstance(item, ChatChunk))
            if block:
                await exchange.write(block)
        await self.record.settled()
        facts.status = 200
        await exchange.end(b"")

    async def _fail(self, error: RouterError, facts: Facts, exchange: Exchange) -> None:
        if not exchange.started or "event-stream" in (facts.media or ""):
            await super()._fail(error, facts, exchange)
            return
        count("errors", error.error_code or error.error_type)
        facts.status = error.http_status
        exchange.cut()
