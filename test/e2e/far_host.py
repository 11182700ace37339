"""far_host.py FILE COMMAND...: runs the command beside a mail server at 192.0.2.1,
an address that exists in this network namespace alone, and writes what the
server was told to the file. Started under `unshare -rn`."""

import socket
import subprocess
import sys
import threading

for command in ("ip link set lo up", "ip addr add 192.0.2.1/32 dev lo"):
	subprocess.run(command.split(), check=True)
listener = socket.create_server(("192.0.2.1", 4143))
heard = []


def serve():
	peer, _ = listener.accept()
	heard.append(b"connected: ")
	try:
		peer.sendall(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n")
		while True:
			data = peer.recv(4096)
			if not data:
				break
			heard.append(data)
	except OSError:
		pass


server = threading.Thread(target=serve)
server.start()
status = subprocess.run(sys.argv[2:]).returncode
server.join()
with open(sys.argv[1], "wb") as f:
	f.write(b"".join(heard))
sys.exit(status)
