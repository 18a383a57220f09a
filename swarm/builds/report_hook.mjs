// Reporter of `node --test`: reports every test to a file, as report_hook.py does.
//
// Node loads it in the process of the runner, which runs each file of tests in a process of its own. The file of the
// report begins with a key, which is taken out before any test runs; the last line is a digest of the report and the
// key.
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const place = join(dirname(fileURLToPath(import.meta.url)).replace(/\.hook$/, ''), 'report');
const key = readFileSync(place);
writeFileSync(place, '');
const digest = createHash('sha256').update(key);

function add(...words) {
  const line = `${JSON.stringify(words)}\n`;
  digest.update(line);
  appendFileSync(place, line);
}

// A file that reports no test is a test itself, named by its path.
function isWithoutTests(data) {
  return data.nesting === 0 && data.file !== undefined && resolve(data.name) === data.file;
}

// Such a file proves nothing: it ended its process before it reported a test, or helps other files to define theirs.
function couldDefineTests(file) {
  try {
    return readFileSync(file, 'utf8').includes('node:test');
  } catch {
    return true;
  }
}

function outcomeOf(type, data) {
  if (data.details?.type === 'suite') return type === 'test:fail' ? 'broken' : 'unknown';
  if (data.skip !== undefined && data.skip !== false) return 'skipped';
  if (data.todo !== undefined && data.todo !== false) return 'excused';
  return type === 'test:fail' ? 'failed' : 'passed';
}

export default async function* report(events) {
  const above = [];
  let left = 0;
  for await (const { type, data } of events) {
    if (!['test:enqueue', 'test:start', 'test:pass', 'test:fail'].includes(type)) continue;
    const isFile = isWithoutTests(data);
    if (type === 'test:enqueue') left += isFile ? 0 : 1;
    if (type === 'test:start') above[data.nesting] = data.name;
    const file = relative('', data.file ?? '');
    const name = isFile ? file : [file, ...above.slice(0, data.nesting), data.name].join(' > ');
    if (type === 'test:start') add('began', name);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    left -= isFile ? 0 : 1;
    const outcome = outcomeOf(type, data);
    add('ended', name, isFile && outcome === 'passed' && couldDefineTests(data.file) ? 'unknown' : outcome);
  }
  add('finished', left > 0 ? 'incomplete' : 'whole');
  appendFileSync(place, `${digest.update(key).digest('hex')}\n`);
  yield '';
}
