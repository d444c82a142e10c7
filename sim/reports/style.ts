/** The style of reports: readable from 320 pixels on, light and dark as the reader has it. */
export const STYLE = `
:root { --back: #fff; --text: #1c2024; --quiet: #5b6570; --line: #d5dae0; --soft: #f3f5f7; --ask: #1f5fbf; --good: #14743c; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171a; --text: #e6e9ec; --quiet: #9aa4af; --line: #363d45; --soft: #1f2429; --ask: #7fb0f5; --good: #6cc98e; --bad: #f28b82; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px; max-width: 1240px; background: var(--back); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 12px; } h2 { font-size: 1.2rem; margin: 28px 0 8px; overflow-wrap: anywhere; } h3 { font-size: 1rem; margin: 16px 0 6px; }
h1 span, h2 span { white-space: normal; }
a { color: var(--ask); }
.well { color: var(--good); } .broken { color: var(--bad); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 8px; margin: 0; }
.facts div { background: var(--soft); border-radius: 6px; padding: 6px 10px; min-width: 0; }
.facts dt { color: var(--quiet); font-size: .8rem; } .facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.violation { border-left: 4px solid var(--bad); padding-left: 12px; margin-top: 20px; }
.message { font-weight: 600; overflow-wrap: anywhere; }
pre { background: var(--soft); border-radius: 6px; padding: 10px; margin: 6px 0; overflow-x: auto; font: 12.5px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: 6px 0; } summary { cursor: pointer; color: var(--quiet); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.quiet { color: var(--quiet); font-size: .88rem; overflow-wrap: anywhere; }
.never { color: var(--bad); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr)); gap: 12px; }
figure { margin: 0; background: var(--soft); border-radius: 6px; padding: 8px 10px; min-width: 0; } figcaption { font-size: .82rem; overflow-wrap: anywhere; }
figure svg { display: block; width: 100%; height: auto; }
.balance { fill: none; stroke: var(--ask); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
svg text { fill: var(--text); font: 11px ui-monospace, monospace; }
svg .node { font-weight: 600; font-size: 12px; } svg .time { fill: var(--quiet); }
svg .lane { stroke: var(--line); } svg .arrow, svg .cross { stroke: currentColor; fill: none; stroke-width: 1.3; } svg .tip { fill: currentColor; }
svg .label { fill: currentColor; paint-order: stroke; stroke: var(--back); stroke-width: 3px; }
svg .ask { color: var(--ask); } svg .good { color: var(--good); } svg .bad { color: var(--bad); }
svg .step rect { fill: var(--soft); } svg .step text { font-family: system-ui, sans-serif; }
`
