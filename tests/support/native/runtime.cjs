/**
 * What jest runs a test file's code with: Node's own module loader, which strips types itself, in the process's own
 * context. Jest's loader evaluates every module anew for every test file, the database's clients among them, for a second
 * or two each time; here the files that one worker runs share the modules that they import. Globals are jest's, as are
 * timeouts, hooks and reports: its test framework is the unchanged one.
 */
const { pathToFileURL } = require('node:url');

/** Where jest's test framework keeps the handlers of its events: its own, and those of the file it ran before. */
const EVENT_HANDLERS = Symbol.for('EVENT_HANDLERS');

module.exports = class NativeRuntime {
  /** The test framework keeps the tests it has found in module state: it begins anew with each file. */
  requireInternalModule(file) {
    delete globalThis[EVENT_HANDLERS];
    delete require.cache[file];
    return require(file);
  }

  requireModule(file) {
    return require(file);
  }

  unstable_shouldLoadAsEsm() {
    return true;
  }

  async unstable_importModule(file) {
    await import(pathToFileURL(file).href);
  }

  getSourceMaps() {
    return new Map();
  }

  getAllCoverageInfoCopy() {
    return {};
  }

  setGlobalsForRuntime() {}
  enterTestCode() {}
  leaveTestCode() {}
  teardown() {}
};
