import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { type HttpAnswer, type HttpRequest, isLocalHost, refused, send } from "../http.ts";
import type { Settings } from "../settings.ts";
import { type Credential, credentialFor } from "./credential.ts";

export interface RegistryOptions {
  readonly host: string;
  /** What the settings may call it: its name there, and its host. */
  readonly names: readonly string[];
  readonly settings: Settings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly allowHttp?: boolean | undefined;
  readonly bounds?: HttpRequest["bounds"];
  readonly signal?: HttpRequest["signal"];
}

export type Access = "pull" | "pull,push";

export interface RegistryRequest
  extends Omit<HttpRequest, "authorization" | "allowHttp" | "bounds" | "signal" | "certificates"> {
  readonly repository: string;
  readonly access?: Access;
}

/**
 * One registry, spoken to over distribution 1.1. Signs in when it is asked to, with what this person has for this
 * host, and never sends that to another: what a redirect or an upload's address leads to gets none of it. A token is
 * asked for where the registry says, for one repository and no more than is needed.
 */
export class Registry {
  readonly host: string;
  readonly #options: RegistryOptions;
  /** What is sent as Authorization, by repository and access. */
  readonly #authorizations = new Map<string, string>();
  #credential: Promise<Credential | undefined> | undefined;
  #base: string | undefined;
  readonly #certificates: HttpRequest["certificates"];

  constructor(options: RegistryOptions) {
    this.host = options.host;
    this.#options = options;
    this.#certificates = options.settings.certificates(...options.names);
  }

  /** Sends a request for a path below /v2/, or for a whole address that the registry gave. Faults: those of `send`. */
  async send(place: string, request: RegistryRequest): Promise<HttpAnswer> {
    const base = await this.#baseUrl();
    const url = place.startsWith("/") ? `${base}${place}` : place;
    const own = new URL(url).origin === new URL(base).origin;
    const { repository, access = "pull", ...rest } = request;
    const key = `${repository} ${access}`;
    const known = own ? this.#authorizations.get(key) : undefined;
    const sent = { ...rest, ...this.#manner };
    const answer = await send(url, { ...sent, authorization: known });
    if (answer.status !== 401 || !answer.direct || !own) return answer;
    const authorization = await this.#signIn(answer, repository, access);
    if (authorization === undefined || authorization === known) return answer;
    await answer.drop();
    this.#authorizations.set(key, authorization);
    return send(url, { ...sent, authorization });
  }

  /** https, but for this machine and where the person's settings say http. */
  async #baseUrl(): Promise<string> {
    this.#base ??= await this.#findBase();
    return this.#base;
  }

  async #findBase(): Promise<string> {
    const { settings, names, allowHttp, signal } = this.#options;
    // Docker Hub's registry has another name than Docker Hub.
    const host = this.host === "docker.io" ? "registry-1.docker.io" : this.host;
    const local = isLocalHost(new URL(`http://${host}`).hostname);
    const protocol = settings.protocol(...names) ?? (local ? "http" : "https");
    if (protocol === "http" || !allowHttp) return `${protocol}://${host}`;
    try {
      await (await send(`https://${host}/v2/`, { ...this.#manner, allowHttp: false })).drop();
      return `https://${host}`;
    } catch {
      signal?.throwIfAborted();
      // It may speak plain http only, which the person allowed; if not, the next request says what is wrong.
      return `http://${host}`;
    }
  }

  /** How everything is asked for here. */
  get #manner() {
    const { allowHttp, bounds, signal } = this.#options;
    // The registry's own host where it is spoken to in plain http.
    const plainHost = this.#base?.startsWith("http:") ? new URL(this.#base).host : undefined;
    return { allowHttp, bounds, signal, plainHost, certificates: this.#certificates };
  }

  async #signIn(answer: HttpAnswer, repository: string, access: Access): Promise<string | undefined> {
    const challenges = parseChallenges(answer.headers.get("www-authenticate") ?? "");
    const { settings, names, environment } = this.#options;
    this.#credential ??= credentialFor(this.host, { settings, names, environment });
    const credential = await this.#credential;
    if (credential?.kind === "bearer") return `Bearer ${credential.token}`;
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer) return this.#token(bearer.parameters, repository, access, credential);
    const basic = challenges.some(({ scheme }) => scheme === "basic");
    return basic && credential?.kind === "basic" ? basicHeader(credential) : undefined;
  }

  /** Asks for a token (distribution's token and OAuth2 specifications). Faults: LK0111, LK0115, those of `send`. */
  async #token(
    { realm, service }: Readonly<Record<string, string>>,
    repository: string,
    access: Access,
    credential: Credential | undefined,
  ): Promise<string> {
    const what = `A token for ${this.host}/${repository}`;
    if (realm === undefined || !URL.canParse(realm))
      throw fault("LK0115", `${this.host} asks for a token and does not say where to get one`, {
        hint: "tell whoever runs the registry",
      });
    const asked = new URLSearchParams({ scope: `repository:${repository}:${access}` });
    if (service !== undefined) asked.set("service", service);
    const answer = await send(...this.#tokenRequest(realm, asked, credential));
    if (answer.status !== 200) {
      await answer.drop();
      throw refused(what, answer, `docker login ${this.host}`);
    }
    const text = new TextDecoder().decode(await answer.bytes(limits.credentialBytesMax));
    let document: { readonly token?: unknown; readonly access_token?: unknown } | null;
    try {
      document = JSON.parse(text);
    } catch {
      document = null;
    }
    const token = document?.token ?? document?.access_token;
    // A line end in it would begin another header.
    if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token))
      throw fault("LK0115", `${what} was asked for, and what ${new URL(realm).host} answered is none`, {
        hint: "tell whoever runs the registry",
      });
    return `Bearer ${token}`;
  }

  #tokenRequest(
    realm: string,
    asked: URLSearchParams,
    credential: Credential | undefined,
  ): [string, HttpRequest] {
    if (credential?.kind === "identity") {
      asked.set("grant_type", "refresh_token");
      asked.set("client_id", "loop");
      asked.set("refresh_token", credential.token);
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return [realm, { method: "POST", headers, body: asked.toString(), ...this.#manner }];
    }
    const authorization = credential?.kind === "basic" ? basicHeader(credential) : undefined;
    const url = new URL(realm);
    for (const [name, value] of asked) url.searchParams.set(name, value);
    return [url.href, { authorization, ...this.#manner }];
  }
}

const basicHeader = ({ username, password }: Extract<Credential, { kind: "basic" }>): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** `Bearer realm="…",service="…"`, one or several (RFC 9110, 11.6.1). */
export const parseChallenges = (header: string): Challenge[] => {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const token = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?[\s,]*/y;
  for (let found = token.exec(header); found; found = token.exec(header)) {
    const [, name = "", quoted, plain] = found;
    const value = quoted?.replace(/\\(.)/g, "$1") ?? plain;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    else if (challenges.length > 0) challenges.at(-1)!.parameters[name.toLowerCase()] = value;
  }
  return challenges;
};
