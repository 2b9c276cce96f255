"""The story of story.matrix-js-sdk.test.ts, told with matrix-nio, a client library that has nothing in common with it.

It prints a line for each chapter that came out as it should, and ends with an error at the first that did not. After
the chapter "restart" it waits for a line: then the server has been restarted.
"""

import asyncio
import sys

from nio import (
    AsyncClient,
    AsyncClientConfig,
    ErrorResponse,
    MessageDirection,
    RedactedEvent,
    RoomMessageText,
    RoomPreset,
    ToDeviceMessage,
    UnknownEvent,
)

PASSWORD = "correct horse battery staple"
# For how many answers to /sync something is waited for.
PATIENCE = 30


class Person:
    """A device, with what it was told: the events of rooms in their order, and messages to the device."""

    def __init__(self, url, name):
        config = AsyncClientConfig(max_limit_exceeded=0, max_timeouts=0, encryption_enabled=False)
        self.client = AsyncClient(url, name, config=config)
        self.heard = []
        self.messages = []

    async def sync(self, timeout=3000):
        answer = good(await self.client.sync(timeout=timeout))
        for room in answer.rooms.join.values():
            self.heard.extend(room.timeline.events)
        self.messages.extend(answer.to_device_events)
        return answer

    async def sees(self, what, holds):
        for _ in range(PATIENCE):
            if holds():
                return
            await self.sync()
        raise AssertionError(f"{self.client.user_id} was never told of {what}.")

    async def hears(self, text):
        await self.sees(f'"{text}"', lambda: text in self.texts())

    def texts(self):
        return [event.body for event in self.heard if isinstance(event, RoomMessageText)]

    def room(self, room_id):
        return self.client.rooms[room_id]


def good(answer):
    """Every answer has passed the library's own schema, or is an error."""
    assert not isinstance(answer, ErrorResponse), f"{type(answer).__name__}: {answer}"
    return answer


async def registered(url, name):
    person = Person(url, name)
    good(await person.client.register(name, PASSWORD))
    return person


async def signed_in(url, name):
    person = Person(url, name)
    good(await person.client.login(PASSWORD))
    return person


async def send(person, room_id, body, **more):
    content = {"msgtype": "m.text", "body": body, **more}
    return good(await person.client.room_send(room_id, "m.room.message", content)).event_id


def chapter(name):
    print(name, flush=True)


async def tell(url):
    alice, bob = await registered(url, "alice"), await registered(url, "bob")
    alice_id, bob_id = alice.client.user_id, bob.client.user_id
    assert good(await bob.client.whoami()).user_id == bob_id
    for person in (alice, bob):
        await person.sync(0)
    assert alice.client.rooms == {}
    chapter("register")

    room_id = good(
        await alice.client.room_create(
            name="Tea", topic="Leaves", room_version="10", preset=RoomPreset.private_chat
        )
    ).room_id
    await alice.sees("her room", lambda: room_id in alice.client.rooms)
    good(await alice.client.room_invite(room_id, bob_id))
    await bob.sees("the invite", lambda: room_id in bob.client.invited_rooms)
    invite = bob.client.invited_rooms[room_id]
    assert (invite.inviter, invite.name) == (alice_id, "Tea")
    good(await bob.client.join(room_id))
    await bob.sees("his joining", lambda: room_id in bob.client.rooms)
    await alice.sees("Bob's joining", lambda: bob_id in alice.room(room_id).users)
    assert (bob.room(room_id).name, bob.room(room_id).topic) == ("Tea", "Leaves")
    chapter("room")

    await send(alice, room_id, "Hello Bob")
    await bob.hears("Hello Bob")
    await send(bob, room_id, "Hello Alice")
    for person in (alice, bob):
        await person.hears("Hello Alice")
        assert person.texts() == ["Hello Bob", "Hello Alice"], person.texts()
    chapter("talk")

    typo = await send(bob, room_id, "Green tee?")
    replaced = {"rel_type": "m.replace", "event_id": typo}
    fixed = {"msgtype": "m.text", "body": "Green tea?"}
    await send(bob, room_id, "* Green tea?", **{"m.new_content": fixed, "m.relates_to": replaced})
    secret = await send(alice, room_id, "My password is hunter2")
    await bob.hears("My password is hunter2")
    good(await alice.client.room_redact(room_id, secret, reason="Oops"))
    redacted = good(await bob.client.room_get_event(room_id, secret)).event
    assert isinstance(redacted, RedactedEvent) and redacted.reason == "Oops", redacted
    answer = await send(alice, room_id, "Yes please")
    reaction = {"rel_type": "m.annotation", "event_id": answer, "key": "🍵"}
    good(await bob.client.room_send(room_id, "m.reaction", {"m.relates_to": reaction}))

    def reacted():
        events = [event for event in alice.heard if isinstance(event, UnknownEvent) or "Reaction" in type(event).__name__]
        return any(event.source["content"].get("m.relates_to") == reaction for event in events)

    await alice.sees("the reaction", reacted)
    chapter("edit, redact, react")

    await bob.hears("Yes please")
    read = bob.heard[-1].event_id
    good(await bob.client.update_receipt_marker(room_id, read))
    await bob.sees("nothing unread", lambda: bob.room(room_id).unread_notifications == 0)
    await send(alice, room_id, "One")
    last = await send(alice, room_id, "Two, Bob", **{"m.mentions": {"user_ids": [bob_id]}})
    await bob.sees("two unread messages", lambda: bob.room(room_id).unread_notifications == 2)
    assert bob.room(room_id).unread_highlights == 1
    good(await bob.client.update_receipt_marker(room_id, last))

    def bob_has_read():
        receipt = alice.room(room_id).read_receipts.get(bob_id)
        return receipt is not None and receipt.event_id == last

    await alice.sees("Bob's receipt", bob_has_read)
    await bob.sees("nothing unread again", lambda: bob.room(room_id).unread_notifications == 0)
    chapter("unread")

    good(await bob.client.room_typing(room_id, True, 30_000))
    await alice.sees("Bob typing", lambda: alice.room(room_id).typing_users == [bob_id])
    good(await bob.client.room_typing(room_id, False))
    await alice.sees("Bob no longer typing", lambda: alice.room(room_id).typing_users == [])
    chapter("typing")

    good(await bob.client.set_displayname("Bob the Builder"))
    await alice.sees("Bob's new name", lambda: alice.room(room_id).user_name(bob_id) == "Bob the Builder")
    assert good(await alice.client.get_displayname(bob_id)).displayname == "Bob the Builder"
    chapter("display name")

    for number in ("1", "2"):
        content = {"transaction_id": number, "code": "m.user", "reason": "No."}
        to_bob = ToDeviceMessage("m.key.verification.cancel", bob_id, bob.client.device_id, content)
        good(await alice.client.to_device(to_bob))
    await bob.sees("messages to his device", lambda: len(bob.messages) >= 2)
    await bob.sync(0)
    assert [message.transaction_id for message in bob.messages] == ["1", "2"], bob.messages
    chapter("to device")

    pages = [f"Chapter {number}" for number in range(1, 41)]
    for page in pages:
        await send(alice, room_id, page)
    laptop = await signed_in(url, "bob")
    first = await laptop.sync(0)
    token = first.rooms.join[room_id].timeline.prev_batch
    history = list(first.rooms.join[room_id].timeline.events)
    while token:
        page = good(await laptop.client.room_messages(room_id, token, direction=MessageDirection.back, limit=15))
        history = list(reversed(page.chunk)) + history
        token = page.end if page.chunk else None
    ids = [event.event_id for event in history]
    assert len(ids) == len(set(ids))
    assert history[0].source["type"] == "m.room.create", history[0]
    told = [event.body for event in history if isinstance(event, RoomMessageText)]
    assert told[:2] == ["Hello Bob", "Hello Alice"] and told[-40:] == pages, told
    await laptop.client.close()
    chapter("history")

    await send(alice, room_id, "Before")
    await bob.hears("Before")
    chapter("restart")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await send(alice, room_id, "After")
    for person in (alice, bob):
        await person.hears("After")
        assert person.texts()[-2:] == ["Before", "After"], person.texts()[-4:]
        ids = [event.event_id for event in person.heard]
        assert len(ids) == len(set(ids))
    chapter("restarted")

    good(await bob.client.room_leave(room_id))
    await alice.sees("Bob's leaving", lambda: bob_id not in alice.room(room_id).users)
    late = await bob.client.room_send(room_id, "m.room.message", {"msgtype": "m.text", "body": "Still here?"})
    assert isinstance(late, ErrorResponse) and late.status_code == "M_FORBIDDEN", late
    good(await bob.client.room_forget(room_id))
    await bob.client.close()
    laptop = await signed_in(url, "bob")
    good(await laptop.client.logout(all_devices=True))
    for person in (alice, laptop):
        await person.client.close()
    chapter("leave")


asyncio.run(tell(sys.argv[1]))
