"""An outside system that hears a company's events: thirty lines of anybody's code, with a queue and a credential of its own.

Told its URL by HELIOGRAPH_SUBSCRIBER_URL, as `heliograph subscriber create` prints it; its queue is called like its user. Prints a JSON object a line: the
event's type and its items. Knows nothing of Heliograph's code.
"""

import asyncio
import json
import os
from urllib.parse import urlsplit

import aio_pika


async def main() -> None:
    url = os.environ["HELIOGRAPH_SUBSCRIBER_URL"]
    connection = await aio_pika.connect_robust(url)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=20)
    queue = await channel.get_queue(urlsplit(url).username or "", ensure=False)
    async with queue.iterator() as messages:
        print(json.dumps({"type": "listening"}), flush=True)
        async for message in messages:
            event = json.loads(message.body)
            # What is done with it stands here; acknowledged only then, it is redelivered where this process dies.
            print(json.dumps({"type": message.type, "id": message.message_id, "items": event["items"]}), flush=True)
            await message.ack()


if __name__ == "__main__":
    asyncio.run(main())
