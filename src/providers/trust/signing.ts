import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { errno, fault } from "../../base/fault.ts";
import { writeFileAtomic } from "../../base/files.ts";
import { limits } from "../../base/limits.ts";
import { shellWord } from "../../base/word.ts";
import { stampBeside } from "../../builders/stamp.ts";
import { parseIdentifier } from "../../resolve/identifier.ts";
import { KeyStore } from "../../trust/key/store.ts";
import { requireBytes } from "../../trust/verify.ts";
import type { TrustServices } from "./index.ts";
import { passphraseOf } from "./keys.ts";
import { requireKey, signerRecord } from "./signers.ts";

/** `loop:trust/signing#request`. */
export interface SignRequest {
  readonly path: string;
  readonly key: string;
  readonly passphrase: string | undefined;
  readonly package: string | undefined;
  readonly detached: boolean;
  readonly replace: boolean;
  readonly output: string | undefined;
}

/** Signs a file, in its place or another. What loop built here stays what it built here. */
export const sign = async (services: TrustServices, request: SignRequest) => {
  const { path: written, package: name, replace, detached } = request;
  const path = filePath(services, written);
  const bytes = readBounded(path, limits.componentBytesMax, "A component");
  const before = requireBytes(written, bytes, undefined);
  const key = await new KeyStore().open(request.key, passphraseOf(services, request.passphrase));
  const { signBytes, signDetached } = await import("../../trust/signature/sign.ts");
  const { readStatement } = await import("../../trust/signature/statement.ts");
  const made = await (detached ? signDetached : signBytes)(bytes, key, { package: name, replace });
  const target = resolve(services.folder, request.output ?? targetFor(path, detached));
  const { mode } = statSync(path);
  writeFileAtomic(target, made, detached ? {} : { mode: mode & 0o777 });
  const digest = detached ? before : requireBytes(written, made, undefined);
  if (!detached) carryOver(services, before, digest);
  return { path: target, digest, key: key.key, package: readStatement(detached ? bytes : made)?.package };
};

/** What a build makes stays as it was made: the next one would take it for stale, and put unsigned bytes in its place. */
const targetFor = (path: string, detached: boolean): string => {
  if (detached) return `${path}.sig`;
  return existsSync(stampBeside(path)) ? path.replace(/\.wasm$/, ".signed.wasm") : path;
};

/** The signed bytes are other bytes: that loop built them here, as what, has to be remembered of these too. */
const carryOver = ({ decisions }: TrustServices, before: string, digest: string): void => {
  const built = decisions()
    .trust(before)
    .find(({ why }) => why === "built");
  if (built) decisions().built(digest, built.identifier, built.name ?? "");
};

const filePath = ({ folder }: TrustServices, text: string): string => {
  const { scheme, rest } = parseIdentifier(text);
  if (scheme === "file") return resolve(folder, rest);
  throw fault("LK0102", `A component's file was looked for to sign, and "${text}" names no file`, {
    hint: `write ./${rest} if it is one`,
  });
};

const readBounded = (path: string, max: number, what: string): Uint8Array => {
  try {
    const info = statSync(path);
    if (info.isDirectory())
      throw fault("LK0007", `${what} was looked for at ${path}, and a folder is there`, {
        hint: "name the file: build/NAME.wasm in the folder of a project that is built",
      });
    const { size } = info;
    if (size > max) throw fault("LK0204", `${path} is ${size} bytes; the limit is ${max}`);
    return readFileSync(path);
  } catch (error) {
    const code = errno(error);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw fault("LK0101", `${what} was looked for at ${path}, and there is no such file`, {
        hint: "a path from the current folder was looked for, such as build/NAME.wasm",
        cause: error,
      });
    if (code) throw fault("LK0007", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
    throw error;
  }
};

/** Who signed a component, and whether that is enough: by the keys that are named, or else by those trusted here. */
export const verify = async (
  services: TrustServices,
  identifier: string,
  named: readonly string[],
  signature: string | undefined,
) => {
  const { folder, keyring, decisions } = services;
  const ring = keyring();
  const asked = named.map((text) => requireKey(text, ring, folder).key);
  const { bytes, locator, signature: beside } = await services.fetch(identifier);
  const digest = requireBytes(identifier, bytes, locator.digest);
  const [{ checkSignatures }, { embeddedSignature }] = await Promise.all([
    import("../../trust/signature/check.ts"),
    import("../../trust/signature/section.ts"),
  ]);
  const detached =
    signature === undefined
      ? embeddedSignature(bytes)
        ? undefined
        : beside
      : readBounded(resolve(folder, signature), limits.signatureBytesMax, "A signature");
  const signed = await checkSignatures(identifier, bytes, {
    keys: [...new Set([...asked, ...ring.list().map(({ key }) => key)])],
    detached,
    package: locator.package,
    memory: decisions().signers(),
  });
  if (!signed)
    throw fault("LK0804", `${identifier} was to be verified, and it is not signed`, {
      hint: `with a signature that lies beside it: loop verify ${shellWord(identifier)} --signature FILE`,
    });
  const judgement = ring.judge(signed, locator.package);
  return {
    identifier,
    digest,
    holds: asked.length > 0 ? asked.every((key) => signed.signers.includes(key)) : judgement.trusted,
    threshold: asked.length > 0 ? asked.length : judgement.threshold,
    signers: judgement.signers.map(signerRecord),
    unknown: judgement.unknown,
    package: judgement.package,
  };
};
