import { askSecret } from "loop:cli/terminal@0.1.0";
import { list, passphraseGiven } from "loop:trust/keys@0.1.0";
import { fault } from "./text.ts";

/** The passphrase of a key that lies under one, asked for where the environment does not give it. */
export const passphraseFor = (name: string): string | undefined => {
  const locked = list().some((key) => key.name === name && key.locked);
  return locked && !passphraseGiven() ? askSecret(`Passphrase of ${name}:`) : undefined;
};

/** A passphrase for a new key, typed twice; undefined where the environment gives it. */
export const newPassphrase = (name: string, interactive: boolean): string | undefined =>
  passphraseGiven() ? undefined : typedTwice(`Passphrase for ${name}:`, interactive);

/** What is typed unseen is typed twice; what comes from elsewhere, once. */
export const typedTwice = (question: string, interactive: boolean): string => {
  const passphrase = askSecret(question);
  if (interactive && askSecret("The same again:") !== passphrase)
    throw fault("LK0808", "The two passphrases differ, and nothing was changed", "type them again");
  return passphrase;
};
