// Reporter that records what jest and vitest call and what mocha emits, reduced to what swarm's recorder reads:
//   jest --reporters=PATH        vitest run --reporter=PATH        mocha --reporter PATH
const { writeFileSync } = require('node:fs');
const { relative } = require('node:path');

const calls = [];
const file = (path) => relative('', path);
const written = (name, ...words) => {
  calls.push([name, ...words]);
  writeFileSync('calls.json', JSON.stringify(calls, null, 1));
};
const task = ({ name, filepath, mode, fails, result, tasks }) => ({
  name,
  filepath: filepath && file(filepath),
  mode,
  fails,
  result: result && { state: result.state, errors: result.errors?.map(({ message }) => ({ message })) },
  tasks: tasks?.map(task),
});

module.exports = class {
  constructor(runner) {
    if (typeof runner?.on !== 'function') return;
    for (const event of ['test', 'pass', 'pending', 'fail']) {
      runner.on(event, (test) => written(event, { file: file(test.file), titles: test.titlePath(), type: test.type }));
    }
    runner.on('end', () => written('end', { total: runner.total }));
  }

  onRunStart({ numTotalTestSuites }) {
    written('onRunStart', { numTotalTestSuites });
  }

  onTestStart({ path }) {
    written('onTestStart', { path: file(path) });
  }

  onTestResult({ path }, { testResults, numFailingTests, failureMessage, testExecError }) {
    const results = testResults.map(({ ancestorTitles, title, status, failing }) => ({ ancestorTitles, title, status, failing }));
    const kept = { testResults: results, numFailingTests, failureMessage: failureMessage && '…', testExecError: testExecError && {} };
    written('onTestResult', { path: file(path) }, kept);
  }

  onRunComplete(_, { wasInterrupted, runExecError }) {
    written('onRunComplete', [], { wasInterrupted, runExecError });
  }

  onFinished(files) {
    written('onFinished', files.map(task));
  }

  onTestRunEnd(modules, _, reason) {
    written('onTestRunEnd', modules.map((module) => ({ task: task(module.task) })), [], reason);
  }
};
