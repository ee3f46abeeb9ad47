import { write } from "loop:cli/terminal@0.1.0";
import { spawn } from "loop:process/processes@0.1.0";
import { getEnvironment } from "wasi:cli/environment@0.2.12";
import { getDirectories } from "wasi:filesystem/preopens@0.2.12";
import { instanceNetwork } from "wasi:sockets/instance-network@0.2.12";
import { resolveAddresses } from "wasi:sockets/ip-name-lookup@0.2.12";

const attempt = (work: () => unknown): string => {
  try {
    work();
    return "allowed";
  } catch (error) {
    const { payload } = error as { payload?: { tag?: string } | string };
    return typeof payload === "object" ? (payload.tag ?? "?") : String(payload ?? error);
  }
};

const start = () =>
  spawn({
    program: "true",
    args: [],
    env: [],
    folder: undefined,
    stdin: "none",
    stdout: "none",
    stderr: "none",
  }).wait();

const run = (): number => {
  const folders = getDirectories().map(([, name]) => name);
  const variables = getEnvironment().map(([name, value]) => `${name}=${value}`);
  const look = attempt(() => resolveAddresses(instanceNetwork(), "localhost"));
  write(
    `folders: ${folders.join(" ")}; variables: ${variables.join(" ")}; network: ${look}; programs: ${attempt(start)}\n`,
  );
  return 0;
};

export const command = { run };
