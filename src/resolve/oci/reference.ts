// Components in OCI registries. Owns references, the protocol of registries (distribution 1.1), the layout of Wasm
// artifacts and who may sign in; refuses bytes whose digest is not the manifest's and to send a secret anywhere but
// to its own host; called by the resolver's `oci` and `package` fetchers and by `loop publish`.
import type { Digest } from "../../base/digest.ts";
import { fault } from "../../base/fault.ts";

/** `HOST[:PORT]/REPOSITORY[:TAG][@sha256:…]`, taken apart. */
export interface Reference {
  /** As a person wrote it, for reports. */
  readonly text: string;
  /** With its port: "ghcr.example:5000". */
  readonly host: string;
  /** What the person's settings call its registry, where they name it. */
  readonly registry?: string | undefined;
  readonly repository: string;
  /** Undefined where only a digest was written. */
  readonly tag: string | undefined;
  /** Of the manifest. */
  readonly digest: Digest | undefined;
}

const form = "oci://HOST[:PORT]/REPOSITORY[:TAG][@sha256:DIGEST]";
// The grammar of distribution 1.1: what a registry may be asked for, and nothing that could leave its path.
const hostPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const repositoryPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
export const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** Reads a reference without its `oci://`; `text` is the whole identifier. Fault: LK0102. */
export const parseReference = (rest: string, text: string): Reference => {
  const wrong = (why: string) =>
    fault("LK0102", `${text} is no reference: ${why}`, { hint: `write ${form}` });
  const [path = "", digest, ...surplus] = rest.split("@");
  const slash = path.indexOf("/");
  if (slash < 0) throw wrong("it names no repository");
  const host = path.slice(0, slash);
  const [, repository = "", tag] = /^(.*?)(?::([^:/]*))?$/s.exec(path.slice(slash + 1)) ?? [];
  if (surplus.length > 0 || (digest !== undefined && !digestPattern.test(digest)))
    throw wrong("what follows @ is sha256: and 64 hexadecimal digits");
  if (!hostPattern.test(host)) throw wrong(`"${host}" is no host`);
  if (!repositoryPattern.test(repository) || repository.length > 255)
    throw wrong(`"${repository}" is no repository: lower case, parts with / between`);
  if (tag !== undefined && !tagPattern.test(tag))
    throw wrong(
      tag.includes("+")
        ? `a tag has no "+", so a version with build metadata has none`
        : `"${tag}" is no tag`,
    );
  return {
    text,
    host,
    repository,
    tag: tag ?? (digest === undefined ? "latest" : undefined),
    digest: digest as Digest | undefined,
  };
};

/** "oci://host/repository@sha256:…": the exact place. */
export const placeOf = ({ host, repository }: Reference, digest: Digest): string =>
  `oci://${host}/${repository}@${digest}`;
