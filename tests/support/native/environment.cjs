const { ModernFakeTimers } = require('@jest/fake-timers');

/**
 * The test environment that goes with runtime.cjs: the process's own globals. What a test file changes in the environment
 * variables, and what jest wraps for it, is put back when the file is done.
 */
module.exports = class NativeEnvironment {
  global = globalThis;
  fakeTimers = null;
  moduleMocker = null;
  env = { ...process.env };
  exit = process.exit;

  constructor({ projectConfig: config }) {
    const timers = new ModernFakeTimers({ config, global: globalThis });
    this.fakeTimersModern = timers;
    globalThis.jest = {
      useFakeTimers: (options) => timers.useFakeTimers(options),
      useRealTimers: () => timers.useRealTimers(),
      advanceTimersByTime: (milliseconds) => timers.advanceTimersByTime(milliseconds),
      advanceTimersByTimeAsync: (milliseconds) => timers.advanceTimersByTimeAsync(milliseconds),
    };
  }

  exportConditions() {
    return ['node'];
  }

  /** There is none: nothing runs in a context of its own. */
  getVmContext() {
    return null;
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose();
    delete globalThis.jest;
    for (const name of Object.keys(process.env)) if (!(name in this.env)) delete process.env[name];
    Object.assign(process.env, this.env);
    process.exit = this.exit;
  }
};
