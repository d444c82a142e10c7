import { createManualClock, createSystemNetwork } from '../../../node/runtime/index.ts'
import { describeHttp } from './http.suite.ts'

describeHttp('HTTP on real sockets', async () => {
  const clock = createManualClock()
  const network = createSystemNetwork()
  return {
    host: '127.0.0.1',
    server: { network, clock },
    client: { network: createSystemNetwork(), clock },
    settle: (promise) => promise,
    pass: (ms) => clock.advance(ms),
    async quiet() {
      // Loopback delivers in the next turns of the event loop; a few more cost nothing.
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    },
    killServer: () => network.kill()
  }
})
