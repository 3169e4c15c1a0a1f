// java -cp poi.jar:... Poi.java TABLE.tsv OUT: POI HSSF, .xls.
import java.io.FileOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.poi.hssf.usermodel.HSSFCell;
import org.apache.poi.hssf.usermodel.HSSFCellStyle;
import org.apache.poi.hssf.usermodel.HSSFRow;
import org.apache.poi.hssf.usermodel.HSSFSheet;
import org.apache.poi.hssf.usermodel.HSSFWorkbook;
import org.apache.poi.ss.usermodel.FormulaError;
import org.apache.poi.ss.util.CellRangeAddress;

public class Poi {
    public static void main(String[] args) throws Exception {
        HSSFWorkbook book = new HSSFWorkbook();
        HSSFSheet sheet = book.createSheet("Table");
        Map<String, HSSFCellStyle> styles = new HashMap<>();
        List<String> names = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            String[] v = line.split("\t", -1);
            String name = v[0], type = v[1], value = v[2].replace("\\n", "\n"), code = v[3];
            int r = names.size();
            HSSFRow row = sheet.createRow(r);
            row.createCell(0).setCellValue(name);
            HSSFCell cell = row.createCell(1);
            if (type.equals("text")) cell.setCellValue(value);
            if (type.equals("number")) cell.setCellValue(Double.parseDouble(value));
            if (type.equals("boolean")) cell.setCellValue(value.equals("True"));
            if (type.equals("error")) cell.setCellErrorValue(FormulaError.forString(value));
            if (type.equals("day")) cell.setCellValue(java.sql.Timestamp.valueOf(value + " 00:00:00"));
            if (type.equals("formula")) cell.setCellFormula(value);
            if (!code.isEmpty()) {
                styles.computeIfAbsent(code, c -> {
                    HSSFCellStyle style = book.createCellStyle();
                    style.setDataFormat(book.createDataFormat().getFormat(c));
                    return style;
                });
                cell.setCellStyle(styles.get(code));
            }
            row.createCell(2).setCellValue(1000 + r);
            row.createCell(3).setCellValue("hidden");
            if (name.equals("hidden row")) row.setZeroHeight(true);
            if (name.equals("merged")) sheet.addMergedRegion(new CellRangeAddress(r, r, 1, 2));
            names.add('"' + name + '"');
        }
        sheet.setColumnHidden(3, true);
        book.getCreationHelper().createFormulaEvaluator().evaluateAll();
        try (FileOutputStream out = new FileOutputStream(args[1])) {
            book.write(out);
        }
        System.out.println(names);
    }
}
