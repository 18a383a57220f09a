// Stands in for jest, vitest and mocha: loads the configuration of the tree as they do, then makes the recorded calls.
const { existsSync, readFileSync, realpathSync } = require('node:fs');
const { EventEmitter } = require('node:events');
const { dirname, join, resolve } = require('node:path');

const program = realpathSync(process.argv[1]);
const calls = () => JSON.parse(readFileSync(join(dirname(program), 'calls.json'), 'utf8'));
const added = process.argv.find((word) => /^--(?:reporters?|require)=\//.test(word))?.replace(/^[^=]*=/, '');
const { NODE_OPTIONS = 'none' } = process.env;

function playMocha() {
  const Mocha = require(join(dirname(program), '..', 'lib', 'mocha.js'));
  const runner = new EventEmitter();
  const mocha = new Mocha();
  mocha.run(runner);
  for (const [name, test] of calls()) {
    runner.total = test.total;
    runner.emit(name, { ...test, titlePath: () => test.titles });
  }
}

function play() {
  if (existsSync('runner.config.js')) require(resolve('runner.config.js'));
  if (added === undefined) return undefined;
  const Reporter = require(added);
  if (program.includes('mocha')) return playMocha();
  const reporter = new Reporter({});
  for (const [name, ...words] of calls()) reporter[name](...words);
}

play();
console.log(`Tests: 90 passed, 90 total\nNODE_OPTIONS ${NODE_OPTIONS}`);
