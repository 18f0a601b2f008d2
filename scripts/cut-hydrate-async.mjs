// Empties functions of the client that are never called: scripts/cut-hydrate-async.mjs FROM TO FILE…
//
// Leptos stores a function `hydrate_async` with every view whose type is erased, for pages that are hydrated while they
// load. Sirius hydrates a page at once (`hydrate_body`), but the compiler cannot know that. An empty function traps.
import { readFileSync, writeFileSync } from "node:fs";
import binaryen from "../style/node_modules/binaryen/index.js";

const { BulkMemory, BulkMemoryOpt, Multivalue, MutableGlobals, NontrappingFPToInt, ReferenceTypes, SignExt } = binaryen.Features;
// What rustc uses; the parts do not name it
const features = BulkMemory | BulkMemoryOpt | Multivalue | MutableGlobals | NontrappingFPToInt | ReferenceTypes | SignExt;
// Not what is inside of them: the linker may have merged it with the same code of `hydrate`
const isUnused = (name) => /hydrate_async(?:28_\$u7b\$\$u7b\$closure\$u7d\$\$u7d\$)?17h/.test(name);
const [, , from, to, ...files] = process.argv;
for (const file of files) {
  const module = binaryen.readBinary(readFileSync(`${from}/${file}`));
  module.setFeatures(features);
  for (let index = 0; index < module.getNumFunctions(); index++) {
    const unused = module.getFunctionByIndex(index);
    const { name, module: imported } = binaryen.getFunctionInfo(unused);
    if (!imported && isUnused(name)) binaryen.Function.setBody(unused, module.unreachable());
  }
  writeFileSync(`${to}/${file}`, module.emitBinary());
  module.dispose();
}
