import assert from 'node:assert/strict'
import { image, IMAGE, layer, small } from './fixtures.ts'
import { tagMoves } from './manifest-stories.ts'
import { CHANGES } from './row.ts'
import type { Row, Sent, Story } from './row.ts'

const NO_NAME = '400|404 NAME_INVALID|UNSUPPORTED'

/** Names (B01, B02) and tags (B28). The router may not find the address at all: 404 is as good as 400. */
export const NAMES: readonly Row[] = [
  ['B01', 'two dots', everywhere('..'), NO_NAME],
  ['B01', 'a way up', everywhere('a/../b'), NO_NAME],
  ['B01', 'an encoded way up', everywhere('%2e%2e%2f%2e%2e%2fetc'), NO_NAME],
  ['B01', 'an encoded slash and dots', everywhere('a%2f..%2fb'), NO_NAME],
  ['B01', 'a doubly encoded way up', everywhere('%252e%252e%252f'), NO_NAME],
  ['B01', 'a zero byte', everywhere('a%00b'), NO_NAME],
  ['B01', 'a line break', everywhere('a%0d%0aX-Injected:%20yes'), NO_NAME],
  ['B01', 'a capital letter', everywhere('A'), NO_NAME],
  ['B01', 'an empty part', everywhere('a//b'), NO_NAME],
  ['B01', 'separators in a row', everywhere('a__-b'), NO_NAME],
  ['B01', 'three underscores', everywhere('a___b'), NO_NAME],
  ['B01', 'a dash at the beginning', everywhere('-a'), NO_NAME],
  ['B01', 'a dot at the end', everywhere('a.'), NO_NAME],
  ['B01', '256 characters', everywhere('a'.repeat(256)), NO_NAME],
  ['B01', 'ten thousand characters', everywhere(`${'a/'.repeat(5000)}a`), NO_NAME],
  ['B01', 'a letter that only looks like a', everywhere('%D0%B0pp'), NO_NAME],
  ['B01', 'a full-width letter', everywhere('%EF%BD%81'), NO_NAME],
  ['B01', 'a space', everywhere('a%20b'), NO_NAME],
  ['B01', 'a percent sign that begins nothing', everywhere('a%zz'), NO_NAME],
  ['B01', 'half a character', everywhere('%C3'), NO_NAME],
  ['B01', 'a branch of the tree', everywhere('_layers'), NO_NAME],
  ['B01', 'a branch inside', everywhere('a/_manifests'), NO_NAME],
  ['B01', 'a Windows path', everywhere('c:%5Cwindows'), NO_NAME],

  ['B02', 'a prototype', everywhere('__proto__'), NO_NAME],
  ['B02', 'a way up from a constructor', everywhere('constructor/..'), NO_NAME],
  ['B02', 'the catalog inside', everywhere('x/_catalog'), NO_NAME],
  ['B02', 'what is inside the catalog', everywhere('_catalog/x'), NO_NAME],
  ['B02', 'constructor is a repository', isRepository('constructor'), CHANGES],
  ['B02', 'prototype/tostring is a repository', isRepository('prototype/tostring'), CHANGES],
  ['B02', 'blobs/uploads is a repository', isRepository('blobs/uploads'), CHANGES],
  ['B02', 'x/manifests/y is a repository', isRepository('x/manifests/y'), CHANGES],
  ['B02', 'tags/list is a repository', isRepository('tags/list'), CHANGES],
  ['B02', 'referrers/v2 is a repository', isRepository('referrers/v2'), CHANGES],
  ['B02', 'x/blobs/uploads/y is a repository', isRepository('x/blobs/uploads/y'), CHANGES],
  ['B02', 'v2 is a repository', isRepository('v2'), CHANGES],
  ['B02', 'current/link is a repository', isRepository('current/link'), CHANGES],

  ...noTag('129 characters', 't'.repeat(129)),
  ...noTag('a dot at the beginning', '.a'),
  ...noTag('a dash at the beginning', '-a'),
  ...noTag('a line break', 'a%0d%0ab'),
  ...noTag('a slash', 'a%2fb'),
  ...noTag('a zero byte', 'a%00'),
  ...noTag('a space', 'a%20b'),
  ...noTag('two dots', '%2e%2e'),
  ...noTag('a letter of another script', '%D0%B0'),
  ...noTag('nothing', ''),
  ['B28', 'a header behind a line break', tagged('a%0d%0aX-Injected:%20yes'), '400 DIGEST_INVALID'],
  ['B28', '128 characters are a tag', isTag('t'.repeat(128)), CHANGES],
  ['B28', 'an underscore is a tag', isTag('_'), CHANGES],
  ['B28', 'a letter, a dot, a dash and an underscore are a tag', isTag('A.b-c_'), CHANGES],
  ['B28', 'a digit is a tag', isTag('0'), CHANGES],

  ['B29', 'a tag is moved, and what it was stays by its digest', tagMoves, CHANGES],
]

/** A name in every place where one can stand. */
function everywhere(name: string): Sent[] {
  return [
    `GET /v2/${name}/manifests/latest`,
    { line: `PUT /v2/${name}/manifests/latest`, ...IMAGE },
    `DELETE /v2/${name}/manifests/latest`,
    `GET /v2/${name}/blobs/${layer.digest}`,
    `POST /v2/${name}/blobs/uploads/`,
    { line: `POST /v2/${name}/blobs/uploads/?digest=${image.digest}`, body: image.bytes },
    `GET /v2/${name}/tags/list`,
    `GET /v2/${name}/referrers/${layer.digest}`,
  ]
}

/** Where it is to be set it is wrong; where it is looked up there is nothing by it. */
function noTag(what: string, tag: string): Row[] {
  const [set, ...lookups] = tagged(tag)
  return [
    ['B28', `${what}, set`, set!, '400|404 TAG_INVALID|UNSUPPORTED'],
    ['B28', `${what}, looked up`, lookups, '404 MANIFEST_UNKNOWN|UNSUPPORTED'],
  ]
}

function tagged(tag: string): Sent[] {
  const path = `/v2/app/manifests/${tag}`
  return [{ line: `PUT ${path}`, ...IMAGE }, `GET ${path}`, `HEAD ${path}`, `DELETE ${path}`]
}

function isRepository(name: string): Story {
  return async ({ client }) => {
    await client.pushImage(name, small, { tag: 'manifests' })
    await client.pushImage(name, small, { tag: 'link' })
    await client.pullsExactly(name, 'manifests', small)
    await client.pullsExactly(name, small.digest, small)
    assert.deepEqual(await client.tags(name), ['link', 'manifests'])
    assert.ok((await client.catalog()).includes(name))
  }
}

function isTag(tag: string): Story {
  return async ({ client }) => {
    await client.pushImage('tags', small, { tag })
    await client.pullsExactly('tags', tag, small)
  }
}
