import { type Digest, digestOf, noteDigest } from "../base/digest.ts";
import { Fault, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type { FetchContext, Fetched, Fetcher } from "./fetch.ts";
import { refused, send } from "./http.ts";
import type { Identifier } from "./identifier.ts";

/**
 * `https://HOST/PATH` and `http://…`, either with `#sha256-DIGEST` behind it, and with the signature of PATH.sig where
 * one lies there. Faults: LK0105, LK0109 to LK0117.
 */
const webFetcher = (scheme: string): Fetcher => ({
  scheme,
  remote: true,
  async fetch(identifier: Identifier, context: FetchContext): Promise<Fetched> {
    const { text } = identifier;
    const { address, digest: wanted } = taken(text);
    const located = (digest: Digest) => ({ identifier: text, scheme, place: address, digest });
    const stored = wanted && context.store?.read(wanted);
    if (wanted && stored)
      return { bytes: stored, locator: located(wanted), signature: await signatureOf(address, context) };
    const known = wanted ? undefined : knownOf(text, context);
    const answer = await send(address, {
      headers: {
        accept: "application/wasm, */*;q=0.5",
        ...(known && { "if-none-match": known.etag }),
      },
      allowHttp: context.allowHttp,
      bounds: context.bounds,
      signal: context.signal,
    });
    if (answer.status === 304 && known) {
      await answer.drop();
      const signature = await signatureOf(address, context);
      return { bytes: known.bytes, locator: located(known.digest), etag: known.etag, signature };
    }
    if (answer.status !== 200) {
      await answer.drop();
      throw refused(text, answer);
    }
    const [bytes, signature] = await Promise.all([
      bytesOf(text, answer, context),
      signatureOf(address, context),
    ]);
    const digest = digestOf(bytes);
    noteDigest(bytes, digest);
    if (wanted && wanted !== digest)
      throw fault("LK0105", `${text} names its digest, and what came has ${digest}`, {
        hint: `where the new content is meant: ${address}#${digest.replace(":", "-")}`,
      });
    return { bytes, locator: located(digest), etag: etagOf(answer.headers.get("etag")), signature };
  },
});

export const httpsFetcher = webFetcher("https");
export const httpFetcher = webFetcher("http");

/** What was here the last time, if the server gave it a name and the store still has it. */
const knownOf = (text: string, { store }: FetchContext) => {
  const record = store?.names.recall(text);
  const bytes = record?.etag !== undefined ? store?.read(record.digest) : undefined;
  return bytes && record?.etag !== undefined
    ? { bytes, digest: record.digest, etag: record.etag }
    : undefined;
};

/** As RFC 9110 writes it, and not so long that it could be anything else. */
const etagOf = (header: string | null): string | undefined =>
  header !== null && /^(W\/)?"[\x21\x23-\x7e]{1,256}"$/.test(header) ? header : undefined;

const bytesOf = async (
  text: string,
  answer: Awaited<ReturnType<typeof send>>,
  { onProgress }: FetchContext,
): Promise<Uint8Array> => {
  const length = answer.headers.get("content-length");
  const total = length === null ? undefined : Number(length);
  const parts: Uint8Array[] = [];
  let done = 0;
  await answer.read((part) => {
    parts.push(part);
    done += part.length;
    onProgress?.(text, done, total);
  });
  return Buffer.concat(parts);
};

/**
 * What lies beside a component as its signature; undefined where nothing does, whatever the reason. Nothing is lost by
 * that: who needs a signature says so, in `require` or in loop.lock, and is told that there is none.
 */
const signatureOf = async (
  address: string,
  { allowHttp, bounds, signal }: FetchContext,
): Promise<Uint8Array | undefined> => {
  const beside = new URL(address);
  beside.pathname += ".sig";
  const { fetchedSignatureMsMax: ms, fetchedSignatureBytesMax: bytesMax } = limits;
  try {
    const answer = await send(beside.href, {
      headers: { accept: "application/octet-stream, */*;q=0.5" },
      allowHttp,
      signal,
      bounds: { firstByteMs: ms, totalMs: ms, windowMs: ms, bytesMax, ...bounds },
    });
    if (answer.status === 200) return await answer.bytes(bytesMax);
    await answer.drop();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    signal?.throwIfAborted();
  }
  return undefined;
};

/** The address without its fragment, and the digest in it, in hexadecimal or, as browsers have it, in base64. */
const taken = (text: string): { readonly address: string; readonly digest: Digest | undefined } => {
  const at = text.indexOf("#");
  if (at < 0) return { address: text, digest: undefined };
  const fragment = text.slice(at + 1);
  const written = /^sha256-(?:([0-9a-f]{64})|([A-Za-z0-9+/]{43}=))$/.exec(fragment);
  if (!written)
    throw fault("LK0102", `${text} ends in "#${fragment}", and #sha256-DIGEST was looked for`, {
      hint: "the digest is 64 hexadecimal digits, or base64",
    });
  const hex = written[1] ?? Buffer.from(written[2]!, "base64").toString("hex");
  return { address: text.slice(0, at), digest: `sha256:${hex}` };
};
