// Recorder of jest, vitest and mocha: reports every test to a file, as report_hook.py does.
//
// Node loads it before the runner (NODE_OPTIONS), and the runner by its own option, a second time from node's cache. The
// file of the report begins with a key, which is taken out in the process of the runner before it loads any file of the
// tree; the last line is a digest of the report and the key. jest and vitest run most tests in other processes. Code of
// the tree in the runner's own process, such as a configuration, can search that process for the key.
'use strict';

const childProcess = require('node:child_process');
const { createHash } = require('node:crypto');
const { appendFileSync, existsSync, readFileSync, realpathSync, writeFileSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { join, relative } = require('node:path');
const { isMainThread } = require('node:worker_threads');

// Bound here: tests put other functions in the place of these.
const { stringify } = JSON;
const { update, digest } = createHash('sha256').constructor.prototype;
const place = join(__dirname.replace(/\.hook$/, ''), 'report');
const RUNNERS = /\/node_modules\/(?:jest(?:-cli)?\/bin|vitest|(mocha)\/(?:bin|lib\/cli))\/[^/]+$/;

class SealedReport {
  constructor(key) {
    this.key = key;
    this.hash = createHash('sha256').update(key);
    this.isSealed = false;
    this.isWhole = true;
  }

  add(...words) {
    if (this.isSealed) return;
    const line = `${stringify(words)}\n`;
    update.call(this.hash, line);
    appendFileSync(place, line);
  }

  finish(isInterrupted) {
    if (this.isSealed) return;
    this.add('finished', isInterrupted ? 'interrupted' : this.isWhole ? 'whole' : 'incomplete');
    this.isSealed = true;
    appendFileSync(place, `${digest.call(update.call(this.hash, this.key), 'hex')}\n`);
  }
}

function takenKey() {
  try {
    const found = readFileSync(place, 'latin1');
    // Another process of the runner took it where the report has begun.
    if (!/^[0-9a-f]{64}$/.test(found)) return undefined;
    writeFileSync(place, '');
    return found;
  } catch {
    return undefined;
  }
}

function program() {
  try {
    return realpathSync(process.argv[1]);
  } catch {
    return '';
  }
}

function named(file, titles) {
  return [relative('', file ?? ''), ...titles].join(' > ');
}

// vitest evaluates the file of a reporter itself, apart from node's cache.
const isOfNode = module.filename === __filename;
const found = isMainThread && isOfNode ? RUNNERS.exec(program()) : null;
const key = found ? takenKey() : undefined;
const report = key === undefined ? undefined : new SealedReport(key);
const options = process.env.NODE_OPTIONS;
if (report !== undefined && options !== undefined) {
  // Tests start programs of their own, which see the environment as the project set it.
  const own = options.replace(` --require "${__filename}"`, '');
  if (own === '') delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = own;
}

const JEST = { passed: 'passed', failed: 'failed' };

class Reporter {
  onRunStart(results) {
    this.files = results.numTotalTestSuites;
  }

  onTestStart(test) {
    report?.add('began', named(test.path, []));
  }

  onTestResult(test, result) {
    this.files -= 1;
    const isBroken = result.testExecError || (result.failureMessage && result.numFailingTests === 0);
    report?.add('ended', named(test.path, []), isBroken ? 'broken' : 'unknown');
    for (const { ancestorTitles, title, status, failing } of result.testResults) {
      const outcome = JEST[status] ?? 'skipped';
      report?.add('ended', named(test.path, [...ancestorTitles, title]), failing && outcome === 'passed' ? 'excused' : outcome);
    }
  }

  onRunComplete(_, results) {
    if (report === undefined) return;
    if (results.runExecError) report.add('ended', 'jest', 'broken');
    if (this.files > 0) report.isWhole = false;
    report.finish(results.wasInterrupted);
  }

  // vitest before 3
  onFinished(files) {
    this.end(files ?? [], false);
  }

  onTestRunEnd(modules, _, reason) {
    this.end(modules.map((module) => module.task), reason === 'interrupted');
  }

  end(files, isInterrupted) {
    for (const file of files) addTask(file.filepath, [], file);
    report?.finish(isInterrupted);
  }
}

function addTask(file, titles, task) {
  const state = task.result?.state;
  if (task.tasks !== undefined) {
    if (state === 'fail' && task.result.errors?.length) report?.add('ended', named(file, titles), 'broken');
    for (const part of task.tasks) addTask(file, [...titles, part.name], part);
    return;
  }
  let outcome = { pass: task.fails ? 'excused' : 'passed', fail: 'failed' }[state];
  if (outcome === undefined || task.mode === 'skip' || task.mode === 'todo') {
    const isSkipped = state === 'skip' || state === 'todo' || task.mode === 'skip' || task.mode === 'todo';
    if (!isSkipped && report !== undefined) report.isWhole = false;
    outcome = isSkipped ? 'skipped' : 'unknown';
  }
  report?.add('ended', named(file, titles), outcome);
}

function recordMocha(Mocha) {
  const { run } = Mocha.prototype;
  Mocha.prototype.run = function recorded(...words) {
    Mocha.prototype.run = run;
    const isDry = this.options.dryRun;
    this._reporter = class extends this._reporter {
      constructor(runner, settings) {
        super(runner, settings);
        listen(runner, isDry);
      }
    };
    return run.apply(this, words);
  };
}

function listen(runner, isDry) {
  const name = (test) => named(test.file, test.titlePath());
  // mocha counts the tests that `only` leaves out; they are missing by their names.
  const hasOnly = runner.suite?.hasOnly?.();
  let ended = 0;
  const end = (test, outcome) => {
    ended += 1;
    report.add('ended', name(test), outcome);
  };
  runner.on('test', (test) => report.add('began', name(test)));
  runner.on('pass', (test) => end(test, 'passed'));
  runner.on('pending', (test) => end(test, 'skipped'));
  runner.on('fail', (test) => end(test, test.type === 'hook' ? 'broken' : 'failed'));
  runner.once('end', () => {
    report.isWhole = !isDry && (hasOnly || ended >= runner.total);
    report.finish(false);
  });
}

function requireMocha(folder) {
  return require(existsSync(join(folder, 'mocha.cjs')) ? join(folder, 'mocha.cjs') : join(folder, 'mocha.js'));
}

function handOver(package_) {
  // With options of node in its configuration mocha runs in a second process, which takes the key anew.
  const { spawn } = childProcess;
  childProcess.spawn = (...words) => {
    if (!Array.isArray(words[1]) || !words[1].some((word) => String(word).startsWith(join(package_, 'lib', 'cli')))) {
      return spawn(...words);
    }
    writeFileSync(place, key);
    const own = process.env.NODE_OPTIONS;
    process.env.NODE_OPTIONS = options ?? ` --require "${__filename}"`;
    try {
      return spawn(...words);
    } finally {
      if (own === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = own;
    }
  };
  syncBuiltinESMExports();
}

if (report !== undefined && found[1] === 'mocha') {
  const package_ = program().replace(/\/(?:bin|lib\/cli)\/[^/]+$/, '');
  recordMocha(requireMocha(join(package_, 'lib')));
  handOver(package_);
}

module.exports = isOfNode ? Reporter : require(__filename);
