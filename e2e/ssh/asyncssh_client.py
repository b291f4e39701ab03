"""Runs a command and copies 1 MiB there and back with asyncssh; prints exit code, output and size."""
import asyncio, os, sys
import asyncssh


async def main():
    port, user, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    async with asyncssh.connect("127.0.0.1", port, username=user, client_keys=[key], known_hosts=None) as client:
        ran = await client.run("echo hello; exit 7")
        sent = os.urandom(1 << 20)
        async with client.start_sftp_client() as sftp:
            async with sftp.open("f-asyncssh", "wb") as file:
                await file.write(sent)
            async with sftp.open("f-asyncssh", "rb") as file:
                assert await file.read() == sent
            size = (await sftp.stat("f-asyncssh")).size
        print(ran.exit_status, ran.stdout.strip(), size)


asyncio.run(main())
