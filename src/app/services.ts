import type { BuildServices } from "../providers/build/index.ts";
import type { CliSettings } from "../providers/cli/index.ts";
import type { ControlServices } from "../providers/control/index.ts";
import type { LogTap } from "../providers/core/core.ts";
import type { DevServices } from "../providers/devserver/index.ts";
import type { GfxServices } from "../providers/gfx/gfx.ts";
import type { PkgServices } from "../providers/pkg/index.ts";
import type { ProcessServices } from "../providers/process/process.ts";
import type { RunServices } from "../providers/run/index.ts";
import type { SlotsServices } from "../providers/slots/index.ts";
import type { StorageServices } from "../providers/storage/storage.ts";
import type { TrustServices } from "../providers/trust/index.ts";

/** What the composition root gives to the providers that it lists: to each what its own contract names. */
export interface Services {
  readonly core: { readonly tap: LogTap };
  readonly control: ControlServices;
  readonly cli: CliSettings;
  readonly pkg: PkgServices;
  readonly build: BuildServices;
  readonly run: RunServices;
  readonly devserver: DevServices;
  readonly slots: SlotsServices;
  readonly trust: TrustServices;
  readonly process: ProcessServices;
  readonly storage: StorageServices;
  readonly gfx: GfxServices;
}
