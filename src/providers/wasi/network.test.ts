import { expect, test } from "bun:test";
import { addressText, parseAddress } from "../../base/address.ts";
import { errno } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { parseNetwork } from "../../trust/network.ts";
import { Network } from "./state/network.ts";

// Look-ups against a resolver of our own: what a hostile name server could answer.

const at = (text: string) => parseAddress(text)!;
const network = (grants: string, answers: Record<string, string[]>) => {
  const asked: string[] = [];
  const denied: string[] = [];
  const made = new Network(parseNetwork(grants), {
    resolve: async (name) => {
      asked.push(name);
      return (answers[name] ?? []).map(at);
    },
    onDenied: (grant) => void denied.push(grant),
  });
  const lookUp = async (name: string, port?: number) => {
    try {
      return (await made.lookUp(name, port)).map(addressText);
    } catch (error) {
      return errno(error);
    }
  };
  return { made, asked, denied, lookUp };
};

test("an address is reached by the name that it was looked up by, in this instance", async () => {
  const answers = { "a.example": ["8.8.8.8"], "b.example": ["8.8.4.4"] };
  const one = network("a.example:443", answers);
  expect(one.made.mayReach(at("8.8.8.8"), 443)).toBe(false);
  expect(await one.lookUp("A.example.")).toEqual(["8.8.8.8"]);
  expect(one.made.mayReach(at("8.8.8.8"), 443)).toBe(true);
  expect(one.made.mayReach(at("8.8.8.8"), 80)).toBe(false);
  expect(await one.lookUp("b.example")).toBe("EACCES");
  expect(one.asked).toEqual(["a.example"]);
  expect(network("a.example:443", answers).made.mayReach(at("8.8.8.8"), 443)).toBe(false);
});

test("a name that is made to resolve to this machine or its network reaches neither", async () => {
  const answers = { "evil.example": ["127.0.0.1", "169.254.169.254", "::1", "64:ff9b::7f00:1"] };
  const { made, lookUp } = network("evil.example", answers);
  expect(await lookUp("evil.example")).toBe("EPROHIBITED");
  expect(made.mayReach(at("127.0.0.1"), 80)).toBe(false);
  const mixed = network("evil.example", { "evil.example": ["127.0.0.1", "8.8.8.8"] });
  expect(await mixed.lookUp("evil.example")).toEqual(["8.8.8.8"]);
  expect(mixed.made.mayReach(at("127.0.0.1"), 80)).toBe(false);
});

test("a private address that was granted beside the name is reached by it", async () => {
  const { lookUp } = network("intranet.example:80,10.0.0.0/8:80", { "intranet.example": ["10.1.1.1"] });
  expect(await lookUp("intranet.example", 80)).toEqual(["10.1.1.1"]);
});

test("what is refused is told, as the grant that it wants", async () => {
  const { made, denied, lookUp } = network("a.example", { "a.example": ["10.0.0.1"] });
  await lookUp("b.example", 443);
  await lookUp("a.example", 80);
  expect(() => made.checkReach({ address: at("::1"), port: 9 })).toThrow("was not granted");
  expect(() => made.checkListen({ address: at("127.0.0.1"), port: 0 })).toThrow("was not granted");
  expect(denied).toEqual(["b.example:443", "10.0.0.1:80", "[::1]:9", "listen=127.0.0.1:0"]);
  for (const grant of denied) expect(parseNetwork(grant).length).toBe(1);
});

test("localhost asks nobody", async () => {
  const { lookUp, asked } = network("localhost,*.localhost", { localhost: ["8.8.8.8"] });
  expect(await lookUp("localhost")).toEqual(["127.0.0.1", "::1"]);
  expect(await lookUp("a.localhost")).toEqual(["127.0.0.1", "::1"]);
  expect(asked).toEqual([]);
});

test("a name that does not exist is not found", async () => {
  expect(await network("*", {}).lookUp("none.example")).toBe("ENOTFOUND");
});

test("so many look-ups go on at once and no more", async () => {
  const made = new Network(parseNetwork("*"), { resolve: () => new Promise(() => {}) });
  for (let at = 0; at < limits.lookupsMax; at++) void made.lookUp(`n${at}.example`);
  expect(await made.lookUp("one.too.many").catch(errno)).toBe("EAI_AGAIN");
});
