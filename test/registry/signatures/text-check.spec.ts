import assert from 'node:assert/strict'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { JsonCheck } from '../../../src/registry/signatures/json-check.ts'
import { TextCheck } from '../../../src/registry/signatures/text-check.ts'
import { LAYER, jsonAndTar, tarOf } from './disguise.ts'
import type { Form } from '../../../src/registry/signatures/text-check.ts'

/** In pieces of a few bytes, so that every edge falls somewhere. */
function isDocument(form: Form, content: Uint8Array | string, size = 3): boolean {
  const [bytes, check] = [Buffer.from(content), new TextCheck(form)]
  for (let at = 0; at < bytes.length; at += size)
    if (!check.push(bytes.subarray(at, at + size))) return false
  return check.end()
}

const JSON_TEXT = '{"bomFormat":"CycloneDX","ä":["€",1.5e-3,-0,true,false,null,{},"\\u20ac\\n"]}'
const SPDX = 'SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n<text>naïve</text>\n'
const XML = '<?xml version="1.0"?>\r\n<bom>\t€</bom>\n'

describe('a document', () => {
  const good: [Form, string][] = [
    ['json', JSON_TEXT],
    ['json', JSON.stringify(JSON.parse(JSON_TEXT), null, 2)],
    ['json', ` \n${JSON_TEXT}\n`],
    ['json or xml', JSON_TEXT],
    ['json or xml', XML],
    ['xml', XML],
    ['spdx', SPDX],
    ['json', `{"x":"${'x'.repeat(100_000)}"}`],
  ]
  for (const [form, text] of good)
    it(`is what it says: ${form}, ${text.slice(0, 20).trim()}`, () => {
      for (const size of [1, 3, 1000]) assert.ok(isDocument(form, text, size))
    })

  const bad: [what: string, Form, Uint8Array | string][] = [
    ['nothing', 'json', ''],
    ['a layer', 'json', LAYER],
    ['a layer', 'spdx', LAYER],
    ['an archive', 'json', tarOf('bin/sh', 'x')],
    ['an archive with a name that begins as JSON', 'json', tarOf('{"x":"y"}', 'x')],
    ['an archive with a name that begins as SPDX', 'spdx', tarOf('SPDXVersion:', 'x')],
    ['an archive that is JSON too', 'json', jsonAndTar()],
    ['an archive that is JSON too', 'json or xml', jsonAndTar()],
    ['compressed JSON', 'json', gzipSync(JSON_TEXT)],
    ['compressed JSON', 'json', zstdCompressSync(JSON_TEXT)],
    ['compressed JSON', 'json', brotliCompressSync(JSON_TEXT)],
    ['JSON, and something after it', 'json', Buffer.concat([Buffer.from(JSON_TEXT), LAYER])],
    ['JSON, and more JSON', 'json', JSON_TEXT + JSON_TEXT],
    ['JSON that ends early', 'json', JSON_TEXT.slice(0, -1)],
    ['a list', 'json', `[${JSON_TEXT}]`],
    ['a text', 'json', '"text"'],
    ['a script', 'json', '#!/bin/sh\n'],
    ['a script', 'spdx', '#!/bin/sh\nSPDXVersion: SPDX-2.3\n'],
    ['a script', 'xml', '#!/bin/sh\n# <x>\n'],
    ['JSON', 'xml', JSON_TEXT],
    ['JSON', 'spdx', JSON_TEXT],
    ['XML', 'json', XML],
    ['a NUL in JSON', 'json', '{"a":"\0"}'],
    ['a NUL in SPDX', 'spdx', `${SPDX}\0`],
    ['what is no UTF-8', 'json', Buffer.from('{"a":"\xe4"}', 'latin1')],
    ['what ends within a character', 'spdx', Buffer.from(`${SPDX}€`).subarray(0, -1)],
    ['a byte order mark', 'json', `\ufeff${JSON_TEXT}`],
    ['a thousand brackets', 'json', `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`],
  ]
  for (const [what, form, content] of bad)
    it(`is not ${what} (${form})`, () => {
      for (const size of [1, 3, 100_000]) assert.ok(!isDocument(form, content, size))
    })

  it('is JSON when JSON.parse says so', () => {
    const pieces = [
      ...Array.from('{}[],:"\\u019.-eE+ \n\t\x01a'),
      'true',
      'null',
      '"a":',
      '"b"',
      '00e1',
      'é',
    ]
    const mutated = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', ...pieces), fc.nat(2))
      .map(([json, at, more, cut]) => {
        const text = `{"k":${json}}`
        const place = at % (text.length + 1)
        return text.slice(0, place) + more + text.slice(place + cut)
      })
    const made = fc
      .array(fc.constantFrom(...pieces), { maxLength: 14 })
      .map((x) => `{${x.join('')}`)
    fc.assert(
      fc.property(fc.oneof(mutated, made), fc.integer({ min: 1, max: 5 }), (text, size) => {
        const [bytes, check] = [Buffer.from(text), new JsonCheck()]
        for (let at = 0; at < bytes.length; at += size) check.push(bytes.subarray(at, at + size))
        assert.equal(check.isWhole, isObject(text), text)
      }),
      { numRuns: 3000 },
    )
  })
})

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch (error) {
    assert.ok(error instanceof SyntaxError)
    return false
  }
}
