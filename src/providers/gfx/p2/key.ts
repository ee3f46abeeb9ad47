// Keys of wasi:surface: the codes of the web in kebab-case, and nothing for those that it does not have.

const others = new Set(
  (
    "backquote backslash bracket-left bracket-right comma equal intl-backslash intl-ro intl-yen minus period quote " +
    "semicolon slash alt-left alt-right backspace caps-lock context-menu control-left control-right enter meta-left " +
    "meta-right shift-left shift-right space tab convert kana-mode lang1 lang2 lang3 lang4 lang5 non-convert delete " +
    "end help home insert page-down page-up arrow-down arrow-left arrow-right arrow-up num-lock numpad-add " +
    "numpad-backspace numpad-clear numpad-clear-entry numpad-comma numpad-decimal numpad-divide numpad-enter " +
    "numpad-equal numpad-hash numpad-memory-add numpad-memory-clear numpad-memory-recall numpad-memory-store " +
    "numpad-memory-subtract numpad-multiply numpad-paren-left numpad-paren-right numpad-star numpad-subtract escape " +
    "fn fn-lock print-screen scroll-lock pause browser-back browser-favorites browser-forward browser-home " +
    "browser-refresh browser-search browser-stop eject launch-app1 launch-app2 launch-mail media-play-pause " +
    "media-select media-stop media-track-next media-track-previous power sleep audio-volume-down audio-volume-mute " +
    "audio-volume-up wake-up hyper super turbo abort resume suspend again copy cut find open paste props select undo " +
    "hiragana katakana"
  ).split(" "),
);

/** "KeyQ" → "key-q", "Digit1" → "digit1", "ArrowLeft" → "arrow-left". */
export const surfaceKeyOf = (code: string): string | undefined => {
  const kebab = code.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
  const known = others.has(kebab) || /^(key-[a-z]|digit\d|numpad\d|f([1-9]|1[0-2]))$/.test(kebab);
  return known ? kebab : undefined;
};
