import { expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { ClosedPipe, type LogRecord, type OutputSink } from "../../host/provider.ts";
import { Logger, type WireField } from "./log.ts";
import { type StderrSinkOptions, stderrSink } from "./sink.ts";

const records = (level: "trace" | "info" | "error" = "trace") => {
  const kept: LogRecord[] = [];
  return { kept, logger: new Logger({ level, write: (record) => void kept.push(record) }) };
};

const lines = (options: Omit<StderrSinkOptions, "component"> = {}) => {
  let text = "";
  const output = {
    write(bytes: Uint8Array) {
      text += new TextDecoder().decode(bytes);
    },
  };
  const sink = stderrSink(output, { component: "x.wasm", now: () => 0, ...options });
  return { sink, text: () => text };
};

test("a message below the level is not kept, and a guest can ask", () => {
  const { kept, logger } = records("info");
  logger.write("debug", "no", []);
  logger.write("warn", "yes", []);
  expect(kept.map(({ message }) => message)).toEqual(["yes"]);
  expect([logger.enabled("debug"), logger.enabled("info")]).toEqual([false, true]);
});

test("a long message, name or text is cut and says so, and no character is split", () => {
  const { kept, logger } = records();
  const long = "𝄞".repeat(limits.logTextMax);
  logger.write("info", `a${long}`, [["n".repeat(1000), { tag: "text", val: long }]]);
  const [{ message, fields }] = kept as [LogRecord];
  expect(message.length).toBeLessThan(limits.logTextMax + 40);
  expect(message.isWellFormed()).toBe(true);
  expect(message).toMatch(/… \(\d+ more\)$/);
  expect(fields[0]![0].length).toBeLessThan(limits.logNameMax + 40);
  expect(`${fields[0]![1]}`.length).toBeLessThan(limits.logTextMax + 40);
});

test("fields beyond the limit are dropped and counted", () => {
  const { kept, logger } = records();
  logger.write(
    "info",
    "m",
    Array.from({ length: 1000 }, (_, at): WireField => [`f${at}`, { tag: "boolean", val: true }]),
  );
  expect(kept[0]!.fields.length).toBe(limits.logFieldsMax + 1);
  expect(kept[0]!.fields.at(-1)).toEqual(["fields-dropped", 1000 - limits.logFieldsMax]);
});

test("a person reads level, component, message and fields on one line", () => {
  const { sink, text } = lines();
  sink.write({
    level: "warn",
    message: "Slow",
    fields: [
      ["path", "a b"],
      ["ms", 12n],
      ["plain", "x"],
      ["ok", false],
      ["ratio", 0.5],
    ],
  });
  expect(text()).toBe('warn  x.wasm: Slow path="a b" ms=12 plain=x ok=false ratio=0.5\n');
});

test("a guest's text forges no line and drives no terminal", () => {
  const { sink, text } = lines();
  const evil = "a\nerror other.wasm: lie\r\u001b[2J\u009b\u2028\u202e";
  sink.write({ level: "info", message: evil, fields: [[evil, evil]] });
  expect(text().split("\n")).toHaveLength(2);
  expect(text().replace("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
});

test("the JSON form is one document a line, with fields apart and no value changed", () => {
  const { sink, text } = lines({ form: "json" });
  sink.write({
    level: "error",
    message: "a\nb",
    fields: [
      ["level", "x"],
      ["big", 2n ** 62n],
      ["small", 7n],
      ["nan", Number.NaN],
      ["level", true],
    ],
  });
  expect(JSON.parse(text())).toEqual({
    time: "1970-01-01T00:00:00.000Z",
    level: "error",
    component: "x.wasm",
    message: "a\nb",
    fields: [
      ["level", "x"],
      ["big", "4611686018427387904"],
      ["small", 7],
      ["nan", "NaN"],
      ["level", true],
    ],
  });
});

test("a slow reader costs bounded memory, and what was dropped is counted", async () => {
  const written: string[] = [];
  let release = () => {};
  const output: Pick<OutputSink, "write"> = {
    write(bytes) {
      written.push(new TextDecoder().decode(bytes));
      return written.length === 1 ? new Promise<void>((done) => (release = done)) : undefined;
    },
  };
  const sink = stderrSink(output, { component: "x" });
  const message = "m".repeat(limits.logTextMax);
  for (let at = 0; at < 1000; at++) sink.write({ level: "info", message, fields: [] });
  expect(written).toHaveLength(1);
  release();
  await Bun.sleep(0);
  expect(written).toHaveLength(2);
  expect(written[1]!.length).toBeLessThan(limits.logQueueBytesMax + 1000);
  const kept = written[1]!.split("\n").length - 2;
  expect(written[1]).toEndWith(`warn  x: Log messages were dropped dropped=${999 - kept}\n`);
  sink.write({ level: "info", message: "again", fields: [] });
  expect(written[2]).toBe("info  x: again\n");
});

test("a reader that went away ends the log and fails nobody", async () => {
  for (const fail of [
    () => {
      throw new ClosedPipe("gone");
    },
    () => Promise.reject(new ClosedPipe("gone")),
  ]) {
    let writes = 0;
    const write = () => {
      writes++;
      return fail();
    };
    const sink = stderrSink({ write }, { component: "x" });
    sink.write({ level: "info", message: "a", fields: [] });
    await Bun.sleep(0);
    sink.write({ level: "info", message: "b", fields: [] });
    expect(writes).toBe(1);
  }
});
