"""Runs a command and copies 1 MiB there and back with paramiko; prints exit code, output and size."""
import io, os, sys
import paramiko

port, user, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", port=port, username=user, key_filename=key, allow_agent=False, look_for_keys=False)
_, stdout, _ = client.exec_command("echo hello; exit 7")
text = stdout.read().decode().strip()
code = stdout.channel.recv_exit_status()
sftp = client.open_sftp()
sent = os.urandom(1 << 20)
sftp.putfo(io.BytesIO(sent), "f-paramiko")
back = io.BytesIO()
sftp.getfo("f-paramiko", back)
assert back.getvalue() == sent
print(code, text, sftp.stat("f-paramiko").st_size)
client.close()
