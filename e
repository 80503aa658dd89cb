Error: no such file: d.csv
