import assert from 'node:assert/strict'
import { parseZb } from './zb-output.ts'

const one = (name: string, rate: string, failed: number): string => `============
Test name:            ${name}
Time taken for tests: 45.397205ms
Requests per second:  ${rate}
Complete requests:    ${100 - failed}
Failed requests:      ${failed}

2xx responses: ${100 - failed}

p50: 855.045µs
`

describe('what zb writes', () => {
  it('is of each test the requests a second', () => {
    const head = 'Registry URL:      http://localhost:8080\nStarting tests ...\n'
    const name = 'Pull 75% and Push 25% Mixed 1MB'
    const output = head + one('Get Catalog', '2202.7788', 0) + one(name, '1.5', 0)
    assert.deepEqual(parseZb(output), [
      { name: 'Get Catalog', unit: 'requests/s', value: 2202.7788 },
      { name, unit: 'requests/s', value: 1.5 },
    ])
  })

  it('is nothing to go by when requests failed, or no test ran', () => {
    assert.throws(() => parseZb(one('Pull 1MB', '9', 4)), /Pull 1MB: 4 requests failed/)
    assert.throws(() => parseZb('unable to connect'), /no test:\nunable to connect/)
  })
})
