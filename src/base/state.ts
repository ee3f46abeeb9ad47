import { join } from "node:path";
import { StateFile } from "./database.ts";
import { dataFolder } from "./paths.ts";

/**
 * The tables of `loop.db`, which all that is remembered shares: SQL that leads from version n to n + 1. Only ever
 * appended to, since files of every version are out there.
 */
export const migrations: readonly string[] = [
  // 1: what a person chose for a slot. A choice without fillings is one too: nobody fills the slot.
  `CREATE TABLE choices (
     scope TEXT NOT NULL, slot TEXT NOT NULL, chosen_at_ms INTEGER NOT NULL,
     PRIMARY KEY (scope, slot)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE fillings (
     scope TEXT NOT NULL, slot TEXT NOT NULL, position INTEGER NOT NULL,
     identifier TEXT NOT NULL, grants TEXT NOT NULL, digest TEXT, description TEXT,
     PRIMARY KEY (scope, slot, position),
     FOREIGN KEY (scope, slot) REFERENCES choices (scope, slot) ON DELETE CASCADE
   ) STRICT, WITHOUT ROWID;`,
  // 2: whom a person trusts and what they decided to grant. A subject is a digest, or a signer's key; never a
  // path. Identifier and name are what it was called at the time: for people to read, and believed by nobody.
  `CREATE TABLE trusted (
     subject TEXT NOT NULL, why TEXT NOT NULL CHECK (why IN ('added', 'built')), identifier TEXT NOT NULL,
     name TEXT, at_ms INTEGER NOT NULL,
     PRIMARY KEY (subject, why)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE decisions (
     subject TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
     identifier TEXT NOT NULL, at_ms INTEGER NOT NULL,
     PRIMARY KEY (subject, kind, value)
   ) STRICT, WITHOUT ROWID;`,
  // 3: whose signatures a person believes, everywhere (scope "") or in one workspace (its folder), whose never again,
  // how many it takes, and which signatures were found to hold.
  `CREATE TABLE signers (
     key TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, expires_ms INTEGER, at_ms INTEGER NOT NULL,
     PRIMARY KEY (key, scope)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE revoked (
     key TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE thresholds (
     scope TEXT NOT NULL PRIMARY KEY, threshold INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE held (
     id TEXT NOT NULL PRIMARY KEY, at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  // 4: what was chosen for a slot before, the newest with the highest number. A NULL says that nothing was chosen.
  `CREATE TABLE history (
     scope TEXT NOT NULL, slot TEXT NOT NULL, number INTEGER NOT NULL,
     chosen_at_ms INTEGER NOT NULL, fillings TEXT,
     PRIMARY KEY (scope, slot, number)
   ) STRICT, WITHOUT ROWID;`,
  // 5: what loop.toml files grant, by the digest of that with their folder: agreed to by the person, or told to them.
  `CREATE TABLE agreements (
     digest TEXT NOT NULL PRIMARY KEY, place TEXT NOT NULL, agreed INTEGER NOT NULL, at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  // 6: whose signatures made trusted what came from somewhere: a package without its version, a repository, an address.
  `CREATE TABLE origins (
     origin TEXT NOT NULL, key TEXT NOT NULL, at_ms INTEGER NOT NULL,
     PRIMARY KEY (origin, key)
   ) STRICT, WITHOUT ROWID;`,
];

/** The one file of remembered state; another path and waiting time are for tests. */
export const stateFile = (
  path: string = join(dataFolder(), "loop.db"),
  options: { readonly waitMsMax?: number } = {},
): StateFile => new StateFile(path, { migrations, ...options });
