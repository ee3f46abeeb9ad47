import * as noble from "@noble/ed25519";

// Ed25519 (RFC 8032) through @noble/ed25519. Loading it and its first use take about 30 ms, so it is imported where
// something is signed, or where a signature has not been checked before.

noble.hashes.sha512 = (message) => new Uint8Array(new Bun.CryptoHasher("sha512").update(message).digest());

export const seedBytes = 32;
export const publicKeyBytes = 32;

export const newSeed = (): Uint8Array => crypto.getRandomValues(new Uint8Array(seedBytes));

export const publicOf = (seed: Uint8Array): Uint8Array => noble.getPublicKey(seed);

export const signWith = (seed: Uint8Array, message: Uint8Array): Uint8Array => noble.sign(message, seed);

/** Strictly as RFC 8032 has it: what another form of the same point would let through is refused. */
export const isSignedBy = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  noble.verify(signature, message, key, { zip215: false });
