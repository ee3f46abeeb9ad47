import * as environment from "wasi:cli/environment@0.2.12";
import * as exit from "wasi:cli/exit@0.2.12";
import * as stderr from "wasi:cli/stderr@0.2.12";
import * as stdin from "wasi:cli/stdin@0.2.12";
import * as stdout from "wasi:cli/stdout@0.2.12";
import * as terminalStderr from "wasi:cli/terminal-stderr@0.2.12";
import * as terminalStdin from "wasi:cli/terminal-stdin@0.2.12";
import * as terminalStdout from "wasi:cli/terminal-stdout@0.2.12";
import * as monotonicClock from "wasi:clocks/monotonic-clock@0.2.12";
import * as timezone from "wasi:clocks/timezone@0.2.12";
import * as wallClock from "wasi:clocks/wall-clock@0.2.12";
import * as preopens from "wasi:filesystem/preopens@0.2.12";
import * as types from "wasi:filesystem/types@0.2.12";
import { poll } from "wasi:io/poll@0.2.12";
import * as insecure from "wasi:random/insecure@0.2.12";
import * as insecureSeed from "wasi:random/insecure-seed@0.2.12";
import * as random from "wasi:random/random@0.2.12";

const text = (bytes) => String.fromCharCode(...bytes);
const bytes = (ascii) => Uint8Array.from(ascii, (letter) => letter.charCodeAt(0));
/** The err that a call ends with; "ok" where it ends well. */
const refusal = (call) => {
  try {
    call();
    return "ok";
  } catch (error) {
    return error?.payload ?? error;
  }
};
const root = () => preopens.getDirectories()[0][0];

const scope = {
  poll,
  environment,
  exit,
  stdin,
  stdout,
  stderr,
  terminalStdin,
  terminalStdout,
  terminalStderr,
  monotonicClock,
  wallClock,
  timezone,
  random,
  insecure,
  insecureSeed,
  types,
  preopens,
  text,
  bytes,
  refusal,
  root,
};

export const run = (script) => {
  try {
    const answer = new Function(...Object.keys(scope), script)(...Object.values(scope));
    return JSON.stringify(answer ?? null);
  } catch (error) {
    throw `${error?.message ?? JSON.stringify(error)}\n${error?.stack ?? ""}`;
  }
};
