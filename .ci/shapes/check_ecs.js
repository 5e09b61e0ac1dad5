// Checks ECS lines against the fields, types and allowed values of @elastic/ecs.
//
// Usage: node check_ecs.js FILE...    Each file holds events of `--shape ecs`, a line each; NODE_PATH leads to the package.
//
// Below `onepassword` and `labels` anything may stand. Before that, the check is shown to find mistakes that are put
// into a good event. Ends with 1 on mistakes.
'use strict';

const fs = require('fs');
const net = require('net');
const { EcsFlat } = require('@elastic/ecs');

const OWN = ['onepassword'];

const isText = (value) => typeof value === 'string';
const isTime = (value) => isText(value) && !Number.isNaN(Date.parse(value)) && /^\d{4}-\d\d-\d\dT.*Z$/.test(value);
const isWhole = (value) => Number.isInteger(value);
const TYPES = {
  keyword: isText,
  constant_keyword: isText,
  match_only_text: isText,
  text: isText,
  wildcard: isText,
  ip: (value) => isText(value) && net.isIP(value) !== 0,
  date: isTime,
  long: isWhole,
  integer: isWhole,
  boolean: (value) => typeof value === 'boolean',
  geo_point: (value) => value !== null && Math.abs(value.lat) <= 90 && Math.abs(value.lon) <= 180,
};

function mistakes(event) {
  const found = [];
  const look = (value, path) => {
    if (OWN.includes(path)) return;
    const field = EcsFlat[path];
    if (field === undefined) {
      if (value === null || typeof value !== 'object' || Array.isArray(value)) {
        found.push(`${path}: no such field`);
        return;
      }
      for (const [key, inner] of Object.entries(value)) look(inner, path === '' ? key : `${path}.${key}`);
      return;
    }
    if (path === 'labels') {
      for (const [key, text] of Object.entries(value)) {
        if (!isText(text) || key.includes('.')) found.push(`labels.${key}: not a keyword`);
      }
      return;
    }
    if (field.normalize.includes('array') !== Array.isArray(value)) {
      found.push(`${path}: ${Array.isArray(value) ? 'a list' : 'not a list'}`);
      return;
    }
    const isOfType = TYPES[field.type];
    if (isOfType === undefined) throw new Error(`${path}: no check for the type ${field.type}`);
    for (const one of [value].flat()) {
      if (!isOfType(one)) found.push(`${path}: ${JSON.stringify(one)} is not of type ${field.type}`);
      const allowed = (field.allowed_values || []).map((known) => known.name);
      if (allowed.length > 0 && !allowed.includes(one)) found.push(`${path}: ${JSON.stringify(one)} is not allowed`);
    }
  };
  look(event, '');
  const types = (EcsFlat['event.category'].allowed_values || [])
    .filter((known) => event.event.category.includes(known.name))
    .flatMap((known) => known.expected_event_types || []);
  for (const type of event.event.type) {
    if (!types.includes(type)) found.push(`event.type: ${type} does not go with ${event.event.category}`);
  }
  return found;
}

function proveThatItBites(event) {
  const good = mistakes(event);
  if (good.length > 0) throw new Error(`the first event has mistakes: ${good.join('; ')}`);
  for (const change of [
    (e) => { e.event.category = ['nonsense']; },
    (e) => { e.event.type = ['nonsense']; },
    (e) => { e.event.kind = 'nonsense'; },
    (e) => { e.event.category = 'authentication'; },
    (e) => { e.source = { ip: '300.1.2.3' }; },
    (e) => { e.user.id = 7; },
    (e) => { e['@timestamp'] = 'yesterday'; },
    (e) => { e.event.no_such_field = 'x'; },
    (e) => { e.labels = { a: 1 }; },
    (e) => { e.source = { geo: { location: { lat: 91, lon: 0 } } }; },
  ]) {
    const bad = JSON.parse(JSON.stringify(event));
    change(bad);
    if (mistakes(bad).length === 0) throw new Error(`no mistake is found after ${change}`);
  }
}

let failed = false;
process.argv.slice(2).forEach((file, number) => {
  const events = fs.readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  if (events.length === 0) throw new Error(`${file}: no events`);
  if (number === 0) proveThatItBites(events[0]);
  events.forEach((event, line) => {
    for (const found of mistakes(event)) {
      failed = true;
      console.error(`${file}:${line + 1}: ${found}`);
    }
  });
  console.log(`${file}: ${events.length} events`);
});
process.exit(failed ? 1 : 0);
