"""One side of a conversation with our Noise, by the PyPI package noiseprotocol.

Arguments: initiator or responder, our static secret, and the prologue, in hexadecimal. Standard input and output carry one
message a line, in hexadecimal: the three of the handshake, each with the number of the message and the other side's last
payload as payload; then the handshake hash; then every message that comes is opened and its text sent back, backwards.
The word "rekey" replaces both keys.
"""

import sys

from noise.connection import Keypair, NoiseConnection


def say(message):
    print(bytes(message).hex(), flush=True)


def hear():
    return bytes.fromhex(sys.stdin.readline().strip())


role, secret, prologue = sys.argv[1], bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
noise = NoiseConnection.from_name(b"Noise_XX_25519_ChaChaPoly_SHA256")
if role == "initiator":
    noise.set_as_initiator()
else:
    noise.set_as_responder()
noise.set_keypair_from_private_bytes(Keypair.STATIC, secret)
noise.set_prologue(prologue)
noise.start_handshake()

heard = b""
for number in range(3):
    if (number % 2 == 0) == (role == "initiator"):
        say(noise.write_message(bytes([number]) + heard))
    else:
        heard = bytes(noise.read_message(hear()))
say(noise.get_handshake_hash())

for line in sys.stdin:
    if line.strip() == "rekey":
        noise.rekey_inbound_cipher()
        noise.rekey_outbound_cipher()
    else:
        say(noise.encrypt(noise.decrypt(bytes.fromhex(line.strip()))[::-1]))
