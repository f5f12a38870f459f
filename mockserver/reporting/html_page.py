"""The template of the HTML report and its style; everything a client sent goes through the filter `clean`."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d5dae0; --soft: #5b6570;
  --good: #0a6b3b; --bad: #b3261e; --wash: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --paper: #14171b; --line: #363d45; --soft: #a3adb8; --good: #6fd39b;
    --bad: #ff9a92; --wash: #1d2127; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 75rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; } .scroll { overflow-x: auto; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .6rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; } td.n, th.n { text-align: right; white-space: nowrap; }
code { font: .9em ui-monospace, monospace; }
ul.cells { display: flex; flex-wrap: wrap; gap: .3rem; list-style: none; margin: 0; padding: 0; }
ul.cells li { border: 1px solid var(--line); border-radius: .3rem; padding: 0 .4rem; background: var(--wash);
  font-size: .9em; }
ul.cells li.met { border-color: var(--good); }
ul.cells li.missing { border-style: dashed; color: var(--soft); }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .soft { color: var(--soft); }
meter { width: 100%; max-width: 30rem; height: 1.2rem; }
"""

PAGE = """\
<!doctype html>
<html lang="{{ 'zh-CN' if lang == 'zh' else 'en' }}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{ word.title }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
<main>
<h1>{{ word.title }}</h1>
<p>{{ summary }}</p>
{% if unnamed %}
<p class="bad">{{ unnamed }}</p>
{% endif %}
{% if evicted %}
<p class="bad">{{ evicted }}</p>
{% endif %}
{% for one in complaints %}
<p class="bad">{{ word.failed }}: {{ one | clean }}</p>
{% else %}
<p class="{{ 'good' if verdict == word.fine else 'soft' }}">{{ verdict }}</p>
{% endfor %}

<h2>{{ word.coverage }}: {{ "%g" | format(report.coverage.percent) }} %</h2>
<p><meter min="0" max="100" value="{{ report.coverage.percent }}">{{ report.coverage.percent }} %</meter>
<span class="soft">{{ report.coverage.met }} / {{ report.coverage.of }}</span></p>
<div class="scroll"><table>
<thead><tr><th scope="col">{{ word.operation }}</th><th scope="col" class="n">{{ word.requests }}</th>
<th scope="col">{{ word.met }}</th><th scope="col">{{ word.missing }}</th></tr></thead>
<tbody>
{% for part in report.coverage.operations %}
<tr><th scope="row">§{{ part.section }} <code>{{ part.operation }}</code></th>
<td class="n">{{ part.requests }}</td>
<td><ul class="cells">
{% for cell in part | met %}
<li class="met">{{ cell | name(lang) | clean }} ×{{ cell.times }}</li>
{% endfor %}
{% for cell in (part.faults | list) + (part | chosen) %}
<li>{{ cell | name(lang) | clean }} ×{{ cell.times }}</li>
{% endfor %}
</ul></td>
<td><ul class="cells">
{% for cell in part | missing %}
<li class="missing">{{ cell | name(lang) | clean }}</li>
{% endfor %}
</ul></td></tr>
{% endfor %}
</tbody></table></div>

<h2>{{ word.violations }}</h2>
{% if report.violations %}
<div class="scroll"><table>
<thead><tr><th scope="col" class="n">{{ word.times }}</th><th scope="col">{{ word.operation }}</th>
<th scope="col">{{ word.where }}</th><th scope="col">{{ word.what }}</th></tr></thead>
<tbody>
{% for group in groups %}
<tr><td class="n">{{ group.times }}</td>
<td><code>{{ group.operation | clean or word.other }}</code><br>
<span class="soft">→ {{ group.outcome | clean }}</span></td>
<td><code>{{ group.example.where | clean }}</code></td>
<td><strong>{{ group.example.name | clean }}</strong>
{% if group.example.section %}<span class="soft">§{{ group.example.section | clean }}</span>{% endif %}
<span class="soft">{{ mark(group) }}</span>
<br>{{ group.example.text.to(lang) | clean }}
<br><span class="soft">{{ group.requests | join(", ") | clean }} {{ tests(group.requests) }}</span></td></tr>
{% endfor %}
</tbody></table></div>
{% if more %}<p>{{ more }}</p>{% endif %}
{% else %}
<p>{{ word.no_violations }}</p>
{% endif %}

<h2>{{ word.handling }}</h2>
{% if report.error_handling %}
<div class="scroll"><table>
<thead><tr><th scope="col" class="n">{{ word.times }}</th><th scope="col">{{ word.after }}</th>
<th scope="col">{{ word.should }}</th><th scope="col">{{ word.did }}</th></tr></thead>
<tbody>
{% for one in report.error_handling %}
<tr><td class="n">{{ one.times }}</td>
<td><strong>{{ one.rule.error | clean }}</strong><br><code>{{ one.operation | clean }}</code></td>
<td>{{ one.rule.advice.to(lang) | clean }}</td>
<td><ul class="cells">
{% for did, times in one.did.items() if times %}
<li>{{ did | did(one.rule, lang) }} ×{{ times }}</li>
{% endfor %}
</ul>
{% for finding in one.findings %}
<p class="bad">{{ finding.text.to(lang) | clean }} <strong>{{ finding.did }}</strong>
<span class="soft">({{ finding.requests | join(", ") | clean }}) {{ tests(finding.requests) }}</span></p>
{% endfor %}
</td></tr>
{% endfor %}
</tbody></table></div>
{% else %}
<p>{{ word.no_errors }}</p>
{% endif %}

{% for title, cells in ((word.faults, report.coverage.faults), (word.readings, readings)) %}
<h2>{{ title }}</h2>
<ul class="cells">
{% for cell in cells if cell.times %}
<li class="met">{{ cell | name(lang) | clean }} ×{{ cell.times }}</li>
{% else %}
<li>{{ word.none }}</li>
{% endfor %}
</ul>
{% endfor %}

<h2>{{ word.scenarios }}</h2>
<ul class="cells">
{% for scenario, times in report.scenarios %}
<li>{{ scenario | clean }} ×{{ times }}</li>
{% else %}
<li>{{ word.none }}</li>
{% endfor %}
</ul>
</main>
</body>
</html>
"""
