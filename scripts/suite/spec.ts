import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fault } from "../../src/base/fault.ts";

// What a test program is to be given and what is expected of it: wasi-testsuite's specification, the older one with
// `args`, `env`, `root`, `exit_code`, `stdout`, `stderr`, and the newer with operations; written after its
// doc/specification.md. Two keys of our own describe programs that came without one: `flags`, words for loop run, and
// `files`, path → text, which are laid in the folder that it runs in.

export type Operation =
  | {
      readonly type: "run";
      readonly args: readonly string[];
      readonly env: Texts;
      readonly root: string | undefined;
    }
  | { readonly type: "wait"; readonly exitCode: number }
  | { readonly type: "read"; readonly id: "stdout" | "stderr"; readonly payload: string }
  | { readonly type: "write"; readonly payload: string }
  | { readonly type: "connect"; readonly id: string }
  | { readonly type: "send" | "recv"; readonly id: string; readonly payload: string }
  | { readonly type: "request"; readonly request: Exchange }
  | { readonly type: "kill"; readonly signal: NodeJS.Signals };

export type Texts = Readonly<Record<string, string>>;

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Texts;
  readonly body: string;
  readonly response: { readonly status: number; readonly headers: Texts; readonly body: string };
}

export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly mode: "static" | "echo-body" | "echo-headers";
  readonly status: number;
  readonly headers: Texts;
  /** The body's pieces; chunked where there are `trailers` or the specification gave chunks. */
  readonly chunks: readonly string[];
  readonly chunked: boolean;
  readonly trailers: Texts;
}

/** Reached by the program at the address in a variable. Without endpoints nobody listens there. */
export interface Server {
  readonly variable: string;
  readonly endpoints: readonly Endpoint[] | undefined;
}

export interface Spec {
  readonly serves: boolean;
  readonly proposals: readonly string[];
  readonly servers: readonly Server[];
  readonly operations: readonly Operation[];
  readonly flags: readonly string[];
  readonly files: Texts;
  /** An empty folder of its own is granted under this name. */
  readonly scratch: string | undefined;
}

/** What a program without a specification is given. */
export interface Plain {
  readonly scratch: string | undefined;
  readonly args: readonly string[];
  /** NAME=VALUE. */
  readonly env: readonly string[];
  readonly flags: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** The specification beside a program, or one of the options. Faults: LK0007 it is no JSON object. */
export const readSpec = (program: string, plain: Plain): Spec => {
  const path = program.replace(/\.wasm$/, ".json");
  const given = existsSync(path) ? parse(path) : plainSpec(plain);
  const folder = dirname(program);
  const list = given.operations === undefined ? legacy(given) : records(given.operations);
  return {
    serves: given.world === "wasi:http/service" || given.world === "wasi:http/proxy",
    proposals: texts(given.proposals),
    servers: records(given.servers).map(server),
    operations: list.map((one) => operation(one, folder)),
    flags: texts(given.flags),
    files: (given.files ?? {}) as Texts,
    scratch: typeof given.scratch === "string" ? given.scratch : undefined,
  };
};

const parse = (path: string): Json => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  } catch (error) {
    throw fault("LK0007", `${path} is no specification: ${error instanceof Error ? error.message : error}`);
  }
  throw fault("LK0007", `${path} is no specification: an object was looked for`);
};

const plainSpec = ({ scratch, args, env, flags }: Plain): Json => ({
  args,
  env: Object.fromEntries(env.map((text) => [text.split("=")[0]!, text.replace(/^[^=]*=?/, "")])),
  flags,
  scratch,
});

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const records = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);

const legacy = (given: Json): Json[] => [
  { ...given, type: "run" },
  ...(["stdout", "stderr"] as const)
    .filter((id) => given[id])
    .map((id) => ({ type: "read", id, payload: given[id] })),
  { type: "wait", exit_code: given.exit_code },
];

const operation = (given: Json, folder: string): Operation => {
  const text = (key: string, otherwise = ""): string => String(given[key] ?? otherwise);
  switch (given.type) {
    case "run":
      return {
        type: "run",
        args: texts(given.args),
        env: (given.env ?? {}) as Texts,
        root: given.root ? join(folder, String(given.root)) : undefined,
      };
    case "wait":
      return { type: "wait", exitCode: Number(given.exit_code ?? 0) };
    case "read":
      return { type: "read", id: text("id") === "stderr" ? "stderr" : "stdout", payload: text("payload") };
    case "write":
      return { type: "write", payload: text("payload") };
    case "connect":
      return { type: "connect", id: text("id", "server") };
    case "send":
    case "recv":
      return { type: given.type, id: text("id"), payload: text("payload") };
    case "request":
      return { type: "request", request: exchange(given) };
    case "kill":
      return { type: "kill", signal: text("signal", "SIGINT") as NodeJS.Signals };
    default:
      throw fault("LK0007", `A specification has the operation "${String(given.type)}", which is not known`);
  }
};

const exchange = (given: Json): Exchange => {
  const response = (given.response ?? {}) as Json;
  return {
    method: String(given.method ?? "GET"),
    path: String(given.path ?? "/"),
    headers: (given.headers ?? {}) as Texts,
    body: String(given.body ?? ""),
    response: {
      status: Number(response.status ?? 200),
      headers: (response.headers ?? {}) as Texts,
      body: String(response.body ?? ""),
    },
  };
};

const server = (given: Json): Server => ({
  variable: `HTTP_SERVER_${String(given.name).toUpperCase()}`,
  endpoints: given.kind === "closed" ? undefined : records(given.endpoints).map(endpoint),
});

const endpoint = (given: Json): Endpoint => {
  const answer =
    typeof given.response === "string" ? { body: given.response } : ((given.response ?? {}) as Json);
  return {
    method: String(given.method ?? "GET").toUpperCase(),
    path: String(given.path ?? "/"),
    mode: (given.mode ?? "static") as Endpoint["mode"],
    status: Number(answer.status ?? 200),
    headers: (answer.headers ?? {}) as Texts,
    chunks: "chunks" in answer ? texts(answer.chunks) : [String(answer.body ?? "")],
    chunked: "chunks" in answer,
    trailers: ("trailers" in answer ? answer.trailers : {}) as Texts,
  };
};
