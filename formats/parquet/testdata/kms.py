"""Files encrypted and decrypted by pyarrow: python kms.py DIR.

DIR/tasks.json lists what to do. Reading turns FILE.parquet into FILE.arrow;
writing turns in.arrow into FILE.parquet. The key management service holds
master keys and wraps keys with AES-GCM, the master key's name as additional
data, as parquet-java's local wrapping does. The cipher is written out here,
for Python's library has none.
"""
import base64, json, os, sys
import pyarrow as pa, pyarrow.ipc as ipc, pyarrow.parquet as pq, pyarrow.parquet.encryption as pe


def sbox():
    p = q = 1
    s = [0x63] * 256
    while True:
        p ^= (p << 1 & 0xFF) ^ (0x1B if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q = (q ^ q << 4) & 0xFF
        if q & 0x80:
            q ^= 0x09
        x = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        s[p] = (x & 0xFF) ^ 0x63
        if p == 1:
            return s


S = sbox()


def double(b):
    return (b << 1 & 0xFF) ^ (0x1B if b & 0x80 else 0)


def block(key, data):
    words = [key[i:i + 4] for i in range(0, len(key), 4)]
    n, rounds, rcon = len(words), len(words) + 6, 1
    for i in range(n, 4 * (rounds + 1)):
        w = words[-1]
        if i % n == 0:
            w = bytes(S[b] for b in w[1:] + w[:1])
            w = bytes([w[0] ^ rcon]) + w[1:]
            rcon = double(rcon)
        elif n > 6 and i % n == 4:
            w = bytes(S[b] for b in w)
        words.append(bytes(a ^ b for a, b in zip(words[i - n], w)))
    flat = b"".join(words)
    state = bytes(a ^ b for a, b in zip(data, flat))
    for r in range(1, rounds + 1):
        state = [S[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if r < rounds:
            mixed = []
            for c in range(0, 16, 4):
                a = state[c:c + 4]
                for i in range(4):
                    mixed.append(double(a[i]) ^ double(a[(i + 1) % 4]) ^ a[(i + 1) % 4] ^ a[(i + 2) % 4] ^ a[(i + 3) % 4])
            state = mixed
        state = bytes(a ^ b for a, b in zip(state, flat[16 * r:]))
    return state


def times(x, y):
    z = 0
    for i in range(128):
        if x >> (127 - i) & 1:
            z ^= y
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return z


def gcm(key, nonce, data, aad, decrypt):
    """The bytes en- or decrypted, and the tag."""
    out, counter = b"", 2
    for i in range(0, len(data), 16):
        stream = block(key, nonce + counter.to_bytes(4, "big"))
        out += bytes(a ^ b for a, b in zip(data[i:i + 16], stream))
        counter += 1
    sealed = data if decrypt else out
    pad = lambda b: b + bytes(-len(b) % 16)
    h, y = int.from_bytes(block(key, bytes(16)), "big"), 0
    text = pad(aad) + pad(sealed) + (8 * len(aad)).to_bytes(8, "big") + (8 * len(sealed)).to_bytes(8, "big")
    for i in range(0, len(text), 16):
        y = times(y ^ int.from_bytes(text[i:i + 16], "big"), h)
    return out, bytes(a ^ b for a, b in zip(y.to_bytes(16, "big"), block(key, nonce + b"\0\0\0\1")))


class Kms(pe.KmsClient):
    def __init__(self, config):
        super().__init__()
        self.masters = {k: bytes.fromhex(v) for k, v in config.custom_kms_conf.items()}

    def wrap_key(self, key, master):
        nonce = os.urandom(12)
        out, tag = gcm(self.masters[master], nonce, key, master.encode(), False)
        return base64.b64encode(nonce + out + tag).decode()

    def unwrap_key(self, wrapped, master):
        raw = base64.b64decode(wrapped)
        out, tag = gcm(self.masters[master], raw[:12], raw[12:-16], master.encode(), True)
        if tag != raw[-16:]:
            raise ValueError("the wrapped key was changed")
        return out


def main(folder):
    path = lambda name: os.path.join(folder, name)
    with open(path("tasks.json")) as f:
        tasks = json.load(f)
    factory = pe.CryptoFactory(lambda config: Kms(config))
    for t in tasks:
        conf = pe.KmsConnectionConfig(custom_kms_conf=t.get("masters", {}))
        file = path(t["file"] + ".parquet")
        options = t.get("options", {})
        if "aad_prefix" in options:
            options["aad_prefix"] = options["aad_prefix"].encode()
        if t["op"] == "read":
            if "key" in t:
                props = pe.create_decryption_properties(bytes.fromhex(t["key"]), **options)
            else:
                props = factory.file_decryption_properties(conf)
            table = pq.ParquetFile(file, decryption_properties=props, page_checksum_verification=True).read()
            with pa.OSFile(path(t["file"] + ".arrow"), "wb") as f, ipc.new_file(f, table.schema) as w:
                w.write_table(table.unify_dictionaries())
            continue
        with pa.OSFile(path("in.arrow"), "rb") as f:
            table = ipc.open_file(f).read_all()
        at = table.schema.get_field_index("s")  # its x is required, and no null struct's x is null to pyarrow
        wide = pa.field("s", pa.struct([f.with_nullable(True) for f in table.schema.field(at).type]))
        table = table.cast(table.schema.set(at, wide))
        if "key" in t:
            props = pe.create_encryption_properties(bytes.fromhex(t["key"]), **options)
        elif t.get("external"):
            props = factory.file_encryption_properties(conf, pe.EncryptionConfiguration(internal_key_material=False, **options), parquet_file_path=file, filesystem=None)
        else:
            props = factory.file_encryption_properties(conf, pe.EncryptionConfiguration(**options))
        pq.write_table(table, file, encryption_properties=props, **t.get("write", {}))


main(sys.argv[1])
