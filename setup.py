"Everything comes from settings.ini; this file only hands it to setuptools"
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
ini = ConfigParser(delimiters=['='])
ini.read(here/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']
lib = cfg['lib_path']
words = lambda k: cfg.get(k, '').split()
status = {'2': '2 - Pre-Alpha', '3': '3 - Alpha', '4': '4 - Beta', '5': '5 - Production/Stable'}[cfg['status']]
readme = here/'README.md'
data = [p.relative_to(here/lib).as_posix() for p in sorted((here/lib/'data').rglob('*')) if p.is_file() and '__pycache__' not in p.parts]

setup(
    name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], url=cfg['git_url'],
    author=cfg['author'], author_email=cfg['author_email'], license='Apache-2.0', keywords=words('keywords'),
    classifiers=[f'Development Status :: {status}', f"Intended Audience :: {cfg['audience']}",
                 f"Natural Language :: {cfg['language']}", 'Programming Language :: Python :: 3'],
    long_description=readme.read_text(encoding='utf-8') if readme.exists() else '', long_description_content_type='text/markdown',
    packages=find_packages(include=[lib, f'{lib}.*'], exclude=[f'{lib}.data', f'{lib}.data.*']), package_data={lib: data},
    python_requires=f">={cfg['min_python']}", install_requires=words('requirements'),
    extras_require={'app': words('app_requirements'), 'ability': words('ability_requirements'), 'dev': words('dev_requirements')}, zip_safe=False,
    entry_points={'console_scripts': words('console_scripts'), 'nbdev': [f'{lib}={lib}._modidx:d']})
