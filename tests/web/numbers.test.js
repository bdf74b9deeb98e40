// What is typed or scanned of a bike.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meant } from '../../src/gbike/web/scan/numbers.js';

const number = (bikeid) => ({ bikeid });
const label = (text) => ({ label: text });

test('a number is a number, however many zeros stand before it', () => {
  for (const [text, bikeid] of [
    ['80', '80'],
    ['00080', '80'],
    ['00123', '123'],
    [' 1001\n', '1001'],
    ['１００１', '1001'],
    ['9007199254740991', '9007199254740991'],
  ])
    assert.deepEqual(meant(text), number(bikeid), text);
});

test('a label is a label, also one that begins with zeros', () => {
  for (const text of ['SPB-03001', 'spb-1', '00080a', 'a', 'A'.repeat(36)]) assert.deepEqual(meant(text), label(text));
});

test('an address of a bike is that bike, whatever stands before and behind', () => {
  for (const address of [
    'https://bikes.example/app/#/bike/1001',
    'https://bikes.example/app/#/bike/1001/',
    'https://bikes.example/app/#/bike/1001?src=x',
    'https://bikes.example/app/#/bike/1001/?src=x/7',
    'https://bikes.example/bike/1001',
    'https://bikes.example/bike/1001/?a=1#b',
    'HTTPS://BIKES.EXAMPLE/APP/#/BIKE/01001',
    'https://bikes.example/b/1001/',
    'https://bikes.example/1001?src=x',
    'https://bikes.example/1001/#top',
    'bikes.example/1001',
    '#/bike/1001',
    '/bike/1001',
    'gbike://bike/1001',
  ])
    assert.deepEqual(meant(address), number('1001'), address);
  assert.deepEqual(meant('https://bikes.example/app/#/bike/spb-x?src=sticker'), label('spb-x'));
  assert.deepEqual(meant('https://bikes.example/SPB-03001/'), label('SPB-03001'));
});

test('what is no bike is none', () => {
  for (const text of [
    '',
    ' ',
    '0',
    '000',
    '-5',
    '1.5',
    '10 01',
    '12345678901234567',
    'A'.repeat(37),
    '자전거',
    'https://shop.example/menu',
    'https://1001/',
    'https://shop1',
    'https://bikes.example/app/#/bike/',
    'https://bikes.example/app/#/bike/자전거',
    'WIFI:T:WPA;S:home1;P:secret1;;',
    'tel:+82-2-120',
    'mailto:a@b.example',
  ])
    assert.equal(meant(text), null, text);
});
