# ruby spreadsheet.rb TABLE.json OUT: the gem spreadsheet, .xls.
require "json"
require "date"
require "spreadsheet"
table, out = ARGV
book = Spreadsheet::Workbook.new
sheet = book.create_worksheet name: "Table"
formats = Hash.new { |all, code| all[code] = Spreadsheet::Format.new(number_format: code) }
names = []
JSON.parse(File.read(table, encoding: "UTF-8")).each do |v|
  next if v["type"] == "formula"
  row = sheet.row(names.size)
  value = v["value"]
  value = Date.iso8601(value) if v["type"] == "day"
  value = Spreadsheet::Excel::Error.new({ "#N/A" => 42, "#DIV/0!" => 7 }[value]) if v["type"] == "error"
  row[0] = v["name"]
  row[1] = value
  row[2] = 1000 + names.size
  row[3] = "hidden"
  row.set_format(1, formats[v["format"]]) unless v["format"].empty?
  row.hidden = true if v["name"] == "hidden row"
  sheet.merge_cells(names.size, 1, names.size, 2) if v["name"] == "merged"
  names << v["name"]
end
sheet.column(3).hidden = true
book.write out
puts JSON.generate(names)
