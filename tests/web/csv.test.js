import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells, dryRun } from '../../src/gbike/web/console/csv.js';

const none = () => false;
const problems = (text, exists = none) => dryRun(text, exists).rows?.map((row) => row.problems);

test('a file is read as a spreadsheet writes it', () => {
  const read = [
    ['a', 'b'],
    ['x, "y"\nz', ''],
  ];
  assert.deepEqual(cells('\uFEFFa,b\r\n"x, ""y""\nz",'), read);
  assert.deepEqual(cells('a;b\n"x, ""y""\nz";'), read);
  assert.deepEqual(cells('a\tb\n"x, ""y""\nz"\t'), read);
});

test('columns are found by their names in either language, and a decimal comma is understood', () => {
  const { rows, missing } = dryRun('Battery;번호;위도;lon\n80 %;7;37,5;127\n', none);
  assert.deepEqual(rows?.[0].bike, { batterylevel: 80, bikeid: 7, lat: 37.5, lon: 127 });
  assert.deepEqual(missing, ['location']);
});

test('every row says what is wrong with it', () => {
  const text = 'bikeid,battery,lat,lon,status\n0\n1,101\n2,,91,0\n3,,1\n4,,,,lost\n5,1,1,1,broken,more\n6\n6\n7\n';
  assert.deepEqual(
    problems(text, (bikeid) => bikeid === 7),
    [
      ['badNumber'],
      ['badBattery'],
      ['badCoordinates'],
      ['badCoordinates'],
      ['badStatus'],
      ['tooManyFields'],
      [],
      ['twice'],
      ['exists'],
    ],
  );
});

test('a file that can not be sent says why', () => {
  assert.deepEqual(
    ['', 'bikeid\n', 'place\nhere\n'].map((text) => dryRun(text, none).problem),
    ['emptyFile', 'emptyFile', 'noNumberColumn'],
  );
  assert.equal(dryRun(`bikeid\n${'1\n'.repeat(10_001)}`, none).problem, 'longFile');
});
