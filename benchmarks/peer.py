"""Runs a wasi:cli command with the wasmtime package. Beside FILE it keeps FILE.cwasm, the compiled code, and uses
it where it exists, unless --cold: python peer.py [--cold] FILE"""

import os
import sys

import wasmtime
from wasmtime import component

cold = sys.argv[1] == "--cold"
path = sys.argv[-1]
engine = wasmtime.Engine()
compiled = path + ".cwasm"
if not cold and os.path.exists(compiled):
    loaded = component.Component.deserialize_file(engine, compiled)
else:
    loaded = component.Component.from_file(engine, path)
    if not cold:
        with open(compiled, "wb") as file:
            file.write(loaded.serialize())
store = wasmtime.Store(engine)
wasi = wasmtime.WasiConfig()
wasi.inherit_stdout()
wasi.inherit_stderr()
store.set_wasi(wasi)
linker = component.Linker(engine)
linker.add_wasip2()
instance = linker.instantiate(store, loaded)
names = [name for name in loaded.type.exports(engine) if name.startswith("wasi:cli/run@")]
interface = instance.get_export_index(store, names[0])
instance.get_func(store, instance.get_export_index(store, "run", interface))(store)
