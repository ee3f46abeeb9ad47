import { expect, test } from "bun:test";
import { addressText, isPublic, parseAddress } from "../base/address.ts";
import { Fault } from "../base/fault.ts";
import { hostName, mayListen, mayName, mayReach, parseNetwork } from "./network.ts";

const at = (text: string) => parseAddress(text)!;
const reach = (grants: string, address: string, port: number, ...names: string[]) =>
  mayReach(parseNetwork(grants), at(address), port, names);

test("nothing granted is nothing reached, named or listened at", () => {
  expect(mayReach([], at("93.184.216.34"), 80, ["example.com"])).toBe(false);
  expect(mayName([], "example.com", 80)).toBe(false);
  expect(mayListen([], at("127.0.0.1"), 0)).toBe(false);
});

test("an address is granted with its port, or with all", () => {
  expect(reach("127.0.0.1:80", "127.0.0.1", 80)).toBe(true);
  expect(reach("127.0.0.1:80", "127.0.0.1", 81)).toBe(false);
  expect(reach("127.0.0.1", "127.0.0.1", 81)).toBe(true);
  expect(reach("127.0.0.1:*", "127.0.0.1", 81)).toBe(true);
  expect(reach("127.0.0.1", "127.0.0.2", 80)).toBe(false);
  expect(reach("[::1]:80", "::1", 80)).toBe(true);
  expect(reach("::1", "0:0:0:0:0:0:0:1", 9)).toBe(true);
  expect(reach("10.0.0.0/8:53,192.168.1.0/30", "10.200.1.1", 53)).toBe(true);
  expect(reach("10.0.0.0/8:53,192.168.1.0/30", "192.168.1.3", 1)).toBe(true);
  expect(reach("10.0.0.0/8:53,192.168.1.0/30", "192.168.1.4", 1)).toBe(false);
  expect(reach("[fd00::/8]:1", "fd12::1", 1)).toBe(true);
});

test("an IPv4 address in IPv6 clothes is the IPv4 address", () => {
  expect(addressText(at("::ffff:127.0.0.1"))).toBe("127.0.0.1");
  expect(reach("127.0.0.1", "::ffff:7f00:1", 80)).toBe(true);
});

test("a name covers the addresses that were looked up by it, and only those", () => {
  expect(reach("example.com:443", "93.184.216.34", 443, "example.com")).toBe(true);
  expect(reach("example.com:443", "93.184.216.34", 443)).toBe(false);
  expect(reach("example.com:443", "93.184.216.34", 443, "other.com")).toBe(false);
  expect(reach("example.com:443", "93.184.216.34", 80, "example.com")).toBe(false);
});

test("a star covers what is below a name, not the name, and not what merely ends like it", () => {
  const grants = parseNetwork("*.example.com");
  expect(mayName(grants, "a.example.com")).toBe(true);
  expect(mayName(grants, "a.b.example.com", 80)).toBe(true);
  expect(mayName(grants, "example.com")).toBe(false);
  expect(mayName(grants, "badexample.com")).toBe(false);
});

test("a name that resolves to a private address covers it only where the address is granted too", () => {
  for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "fe80::1", "0.0.0.0"])
    expect(reach("example.com", address, 80, "example.com")).toBe(false);
  for (const address of ["64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:10.0.0.1"])
    expect(reach("example.com", address, 80, "example.com")).toBe(false);
  expect(reach("example.com,10.0.0.0/8", "10.0.0.1", 80, "example.com")).toBe(true);
});

test("localhost is loopback and nothing else", () => {
  expect(reach("localhost:80", "127.0.0.1", 80, "localhost")).toBe(true);
  expect(reach("localhost:80", "::1", 80, "localhost")).toBe(true);
  expect(reach("localhost:80", "93.184.216.34", 80, "localhost")).toBe(false);
});

test("a star alone is everything to connect to, and nothing to listen at", () => {
  expect(reach("*", "127.0.0.1", 1)).toBe(true);
  expect(reach("*:443", "127.0.0.1", 1)).toBe(false);
  expect(mayName(parseNetwork("*"), "anything.example")).toBe(true);
  expect(mayListen(parseNetwork("*"), at("127.0.0.1"), 80)).toBe(false);
});

test("listening is a grant of its own", () => {
  const listens = (grants: string, address: string, port: number) =>
    mayListen(parseNetwork(grants), at(address), port);
  expect(listens("listen=127.0.0.1:80", "127.0.0.1", 80)).toBe(true);
  expect(listens("listen=127.0.0.1:80", "0.0.0.0", 80)).toBe(false);
  expect(listens("listen=127.0.0.1:0", "127.0.0.1", 0)).toBe(true);
  expect(listens("listen=127.0.0.1:0", "127.0.0.1", 80)).toBe(false);
  expect(listens("listen=localhost", "::1", 80)).toBe(true);
  expect(listens("listen=0.0.0.0:80", "127.0.0.1", 80)).toBe(true);
  expect(listens("listen=*", "::", 80)).toBe(true);
  expect(reach("listen=127.0.0.1", "127.0.0.1", 80)).toBe(false);
});

test("what is no grant is refused with its own words", () => {
  const wrong = [
    ...["", "a b", "host:99999", "host:x", "10.0.0.0/33", "10.0.0/8", "[::1", "[::1]:x", "http://a.com"],
    ...["a.com/x", "*.*.com", "a,,b", "listen=example.com", "user@host", "host:0", "127.1", "0x7f.0.0.1"],
  ];
  for (const text of wrong) {
    let caught: unknown;
    try {
      parseNetwork(text);
    } catch (error) {
      caught = error;
    }
    expect([text, caught instanceof Fault && caught.code]).toEqual([text, "LK0702"]);
  }
});

test("a host name has one spelling, and an address in disguise is none", () => {
  expect(hostName("EXAMPLE.com.")).toBe("example.com");
  expect(hostName("bücher.example")).toBe("xn--bcher-kva.example");
  for (const text of [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "[::1]",
    "a b",
    "a/b",
    "",
    "a..b",
    "-a.b",
  ])
    expect([text, hostName(text)]).toEqual([text, undefined]);
});

test("addresses are read strictly and written shortly", () => {
  for (const text of [
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1:2:3",
    ":::",
    "1::2::3",
    "g::",
    "1.2.3.4.5",
    "1:2:3:4:5:6:7:8:9",
  ])
    expect([text, parseAddress(text)]).toEqual([text, undefined]);
  for (const text of ["1.2.3.4", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "fe80::1:0:0:1", "2001:db8::1"])
    expect(addressText(at(text))).toBe(text);
  expect(addressText(at("64:ff9b::1.2.3.4"))).toBe("64:ff9b::102:304");
});

test("public is what the internet routes", () => {
  for (const text of ["8.8.8.8", "2606:4700::1", "172.32.0.1"])
    expect([text, isPublic(at(text))]).toEqual([text, true]);
  for (const text of [
    "172.31.0.1",
    "100.64.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "ff02::1",
    "::",
    "2001:db8::1",
  ])
    expect([text, isPublic(at(text))]).toEqual([text, false]);
});
