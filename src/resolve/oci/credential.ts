import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { errno, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Settings } from "../settings.ts";

/** What opens a registry. Never part of a message. */
export type Credential =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** To be exchanged for a token (OAuth2's refresh token). */
  | { readonly kind: "identity"; readonly token: string }
  /** Sent as it is. */
  | { readonly kind: "bearer"; readonly token: string };

export interface CredentialSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly settings: Settings;
  /** What the settings may call it; its host alone where nothing is said. */
  readonly names?: readonly string[];
}

/**
 * What this person has for a registry, from the first that knows it: `WKG_REGISTRY_<HOST>_AUTH_BEARER`, wasm-pkg's
 * config.toml, Docker's config.json with its credential helpers. Faults: LK0121, LK0122.
 */
export const credentialFor = async (
  host: string,
  { environment, settings, names = [host] }: CredentialSources,
): Promise<Credential | undefined> => {
  const token = environment[`WKG_REGISTRY_${host.replace(/[^A-Za-z0-9]/g, "_").toUpperCase()}_AUTH_BEARER`];
  if (token) return { kind: "bearer", token };
  return settings.credential(...names) ?? fromDocker(host, environment);
};

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** Docker Hub is known to Docker by this name alone. */
const hub = "https://index.docker.io/v1/";
const isHub = (host: string): boolean => /^(.+\.)?docker\.io$/.test(host);

const keysOf = (host: string): string[] =>
  isHub(host)
    ? [hub, host]
    : [
        host,
        `https://${host}`,
        `https://${host}/`,
        `https://${host}/v1/`,
        `https://${host}/v2/`,
        `http://${host}`,
      ];

const fromDocker = async (
  host: string,
  environment: CredentialSources["environment"],
): Promise<Credential | undefined> => {
  const folder = environment.DOCKER_CONFIG || join(environment.HOME || homedir(), ".docker");
  const path = join(folder, "config.json");
  const config = readDocker(path);
  if (!config) return undefined;
  const helper = config.credHelpers?.[host];
  if (helper !== undefined) return fromHelper(helper, host, path, environment);
  for (const key of keysOf(host)) {
    const entry = config.auths?.[key];
    if (entry?.identitytoken) return { kind: "identity", token: entry.identitytoken };
    if (entry?.auth) return basicOf(entry.auth, path);
  }
  return config.credsStore === undefined
    ? undefined
    : fromHelper(config.credsStore, isHub(host) ? hub : host, path, environment);
};

const unreadable = (path: string, why: string) =>
  fault("LK0121", `${path} does not read: ${why}`, { hint: "docker login HOST writes it anew" });

const readDocker = (path: string): DockerConfig | undefined => {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return undefined;
    throw unreadable(path, (error as Error).message);
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    // What the parser says may quote the text, and passwords are in it.
    throw unreadable(path, "it is no JSON");
  }
  if (typeof config !== "object" || config === null) throw unreadable(path, "it is no JSON object");
  const { auths, credHelpers, credsStore } = config as Record<string, unknown>;
  const isTable = (value: unknown) => value === undefined || (typeof value === "object" && value !== null);
  if (
    !isTable(auths) ||
    !isTable(credHelpers) ||
    (credsStore !== undefined && typeof credsStore !== "string")
  )
    throw unreadable(path, '"auths", "credHelpers" or "credsStore" is not as Docker writes it');
  return config as DockerConfig;
};

/** `base64(user:password)`. */
export const basicOf = (encoded: unknown, path: string): Credential => {
  const text = typeof encoded === "string" ? Buffer.from(encoded, "base64").toString("utf8") : "";
  const colon = text.indexOf(":");
  if (colon < 0) throw unreadable(path, 'an "auth" in it is no user and password in base64');
  // Docker pads with zero bytes where it wrote the file itself.
  const password = text.slice(colon + 1).replace(/\0+$/, "");
  return { kind: "basic", username: text.slice(0, colon), password };
};

/** Asks `docker-credential-NAME get`, which is told the host and answers JSON (docker/docker-credential-helpers). */
const fromHelper = async (
  name: string,
  host: string,
  path: string,
  environment: CredentialSources["environment"],
): Promise<Credential | undefined> => {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) throw unreadable(path, `"${name}" is no name of a credential helper`);
  const program = `docker-credential-${name}`;
  const failed = (why: string) =>
    fault("LK0122", `${program} was asked for the password of ${host}, and ${why}`, {
      hint: `${path} names it; docker login ${host} uses it too`,
    });
  const executable = Bun.which(program, { PATH: environment.PATH ?? "" });
  if (!executable) throw failed("there is no such program on PATH");
  const child = Bun.spawn([executable, "get"], {
    stdin: Buffer.from(host),
    stdout: "pipe",
    stderr: "ignore",
    env: environment as Record<string, string>,
    timeout: limits.credentialHelperMsMax,
    killSignal: "SIGKILL",
    maxBuffer: limits.credentialBytesMax,
  });
  const answer = (await new Response(child.stdout).text()).trim();
  const code = await child.exited;
  if (code !== 0) {
    if (/credentials not found/i.test(answer)) return undefined;
    // What it printed is not shown: it may be the secret.
    throw failed(child.signalCode ? `it was stopped (${child.signalCode})` : `it ended with code ${code}`);
  }
  try {
    const { Username: username, Secret: secret } = JSON.parse(answer);
    if (typeof username !== "string" || typeof secret !== "string")
      throw new TypeError("not as it should be");
    if (username === "" && secret === "") return undefined;
    if (username === "<token>") return { kind: "identity", token: secret };
    return { kind: "basic", username, password: secret };
  } catch {
    throw failed("what it answered is no user and secret");
  }
};
