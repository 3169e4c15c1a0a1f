"""Words of headings that mean the same, in the languages that pages speak and a few beside them: evidence, never proof.

One line a meaning: its name is what the words of its line become when two headings are compared (`sheet/matching.py`).
A meaning of several words (`order date`) becomes those words, so that what is put together in one language meets what
is written apart in another, and a part of it is seen; those in WHOLE stay one thing (a first name is no firm's name).
Words behind `?` may mean it but also something else: they are only proposed.
"""

from __future__ import annotations

from collections.abc import Iterator

# Small words that say nothing of what a column holds.
_STOP = """
the of a an in on for to und and y et der die das des dem den von vom zum zur de del della dello dei di da do dos
das du
la le les el los las lo il i l d al au aux van het een o os as na по в am im
"""
STOP = frozenset(_STOP.split())
# What may stand beside a column's own words and not make another column of it: units, and whose it is.
_NEUTRAL = """
kg g mg t lb lbs oz mm cm m km in ft mi ml l sqm eur usd gbp chf jpy cny pln percent pct deg h hrs min s sec customer
client contact person personal your my main primary standard default required optional
"""
NEUTRAL = frozenset(_NEUTRAL.split())
# What stands behind a thing in languages that name it first, and leaves it what it is (`Stipendio lordo`).
_FOLLOWING = """
final finale brut bruto bruta lordo lorda neto neta netto líquido disponible disponibile disponível actual actuel
actuelle attuale atual principal principale completo completa complet complète unitario unitaire unitário
article artículo articolo artigo produit producto prodotto produto
"""
FOLLOWING = frozenset(_FOLLOWING.split())

# Single words, as one spells them short or otherwise.
SHORT = {
    "nr": "number",
    "num": "number",
    "nbr": "number",
    "nummer": "number",
    "numéro": "number",
    "número": "number",
    "numero": "number",
    "numer": "number",
    "رقم": "number",
    "番号": "number",
    "号码": "number",
    "no": "number",
    "amt": "amount",
    "addr": "address",
    "dept": "department",
    "mgr": "manager",
    "emp": "employee",
    "cust": "customer",
    "acct": "account",
    "desc": "description",
    "descr": "description",
    "ref": "reference",
    "refs": "reference",
    "réf": "reference",
    "rif": "reference",
    "référence": "reference",
    "referencia": "reference",
    "referenz": "reference",
    "riferimento": "reference",
    "referência": "reference",
    "org": "organization",
    "organisation": "organization",
    "inv": "invoice",
    "cat": "category",
    "max": "maximum",
    "min.": "minimum",
    "avg": "average",
    "yr": "year",
    "wt": "weight",
    "ht": "height",
    "lat": "latitude",
    "lng": "longitude",
    "lon": "longitude",
    "curr": "currency",
    "ccy": "currency",
    "dt": "date",
    "nro": "number",
    "núm": "number",
    "bal": "balance",
    "whse": "warehouse",
    "mfr": "manufacturer",
    "disc": "discount",
    "pwd": "password",
    "pos": "position",
    "pers": "personal",
    "val": "value",
    "dest": "destination",
    "orig": "origin",
    "vol": "volume",
    "tél": "phone",
    "tlf": "phone",
    "cant": "quantity",
    "qtà": "quantity",
    "prod": "product",
    "mob": "mobile",
    "kd": "customer",
    "hausnr": "hausnummer",
    "gr": "gross",
    "cod": "code",
    "codice": "code",
    "código": "code",
}

_WHOLE = """first name | last name | birth date | house number | job title | contact person | marital status
    | cost center | account holder | payment method | birth place"""
WHOLE = frozenset(phrase.strip() for phrase in _WHOLE.split("|"))

LINES = """
email: email | e-mail | email address | e-mail address | e-mail-adresse | emailadresse | mailadresse | courriel
    | adresse e-mail | adresse mail | adresse courriel | adresse électronique | correo electrónico | correo
    | dirección de correo
    | dirección de correo electrónico | indirizzo e-mail | indirizzo di posta elettronica | posta elettronica
    | endereço de e-mail | correio eletrónico | correio eletrônico | e-mailadres | adres e-mail
    | البريد الإلكتروني | بريد إلكتروني | البريد | メール | メールアドレス | 电子邮件 | 邮箱
    | e-post | epost | e-postadress | e-postadresse | e-posta | eposta | эл почта | электронная почта
    ? mail | mél
phone: phone | telephone | tel | phone number | telephone number | tel number | telefon | telefonnummer
    | telefon number
    | téléphone | numéro de téléphone | teléfono | número de teléfono | telefono | numero di telefono | telefone
    | número de telefone | telefoon | telefoonnummer | numer telefonu | الهاتف | رقم الهاتف | تلفون
    | 電話 | 電話番号 | 电话 | 电话号码
    | телефон | номер телефона | telefon numarası | telefonní číslo
    ? fon | mobile | mobile phone | mobil | handy
    | móvil | teléfono móvil | celular | cellulare | téléphone portable | cell
landline: landline | festnetz | festnetznummer | téléphone fixe | teléfono fijo | telefono fisso | telefone fixo
    | vaste telefoon ? phone | telefon | teléfono | telefono | telefone | téléphone | fixe
mobile: mobile | mobile phone | mobile number | cell phone | cellphone | cell number | handy | handynummer | mobil
    | mobiltelefon | mobilnummer | téléphone portable | téléphone mobile | móvil | teléfono móvil | celular
    | tél mobile | tel mobile | teléfono celular | cellulare | telemóvel | gsm | mobiel | mobiele telefoon
    | mobiel nummer | numéro de portable | الجوال | رقم الجوال | الهاتف المحمول | 携帯電話 ? cell | portable
fax: fax | fax number | faxnummer | télécopie | telefax | الفاكس
first name: first name | given name | forename | fname | vorname | prénom | prénoms | nombre de pila | primer nombre
    | primeiro nome
    | nome próprio | voornaam | imię | الاسم الأول | الاسم الاول
    | förnamn | fornavn | křestní jméno
    ? given | first | nombre | nome | nombres
last name: last name | surname | family name | lname | nachname | familienname | zuname | nom de famille | apellido
    | apellidos | cognome | apelido | sobrenome | achternaam | nazwisko | اسم العائلة | اللقب
    | لقب العائلة
    | efternamn | efternavn | etternavn | příjmení | фамилия | soyadı | soyad
    ? nom | last
name: name | full name | nom complet | nombre completo | nome completo | naam | volledige naam | الاسم | الاسم الكامل
    | 氏名 | 名前 | 姓名
    | namn | navn | imię i nazwisko | jméno a příjmení | фио | ad soyad
    ? nom | nombre | nome | nom et prénom | nombre y apellidos
zip: zip | zip code | zipcode | postal code | postcode | post code | plz | postleitzahl | code postal | código postal
    | codice postale | kod pocztowy | الرمز البريدي | 郵便番号 | 邮编
    | postnummer | postnr | psč | почтовый индекс | posta kodu
    ? cap | cp | cep | postal
city: city | town | city name | stadt | wohnort | ville | ciudad | città | cidade | stad | woonplaats
    | miasto | المدينة
    | 市 | 城市
    | poststed | město | город | şehir | 市区町村
    ? ort | plaats | commune | localidad | localidade | località | comune | locality | place | municipality
country: country | country name | country region | pays | país | paese | kraj | الدولة | البلد | 国 | 国家
    | země | страна | ülke
    ? land | nation
state: state | province | federal state | bundesland | provincia | provincie | المحافظة | الولاية ? region | région
    | estado | canton | county
street: street | street address | street name | straße | strassenname | straßenname | rue | calle | rua | straat
    | straatnaam | ulica | الشارع
    | gata | gatuadress | gateadresse | ulice | улица | sokak
    ? via | str
    | straße und hausnummer | straße hausnummer | street and number | rue et numéro | calle y número
    | straat en huisnummer
    | via e numero civico
house number: house number | hausnummer | huisnummer | numéro de rue ? hnr
address: address | mailing address | postal address | anschrift | postanschrift | adresse | adresse postale
    | dirección
    | dirección postal | indirizzo | endereço | morada | adres | العنوان | 住所 | 地址
    | adress | adresa | адрес
    ? domicile | domicilio
company: company | company name | firma | firmenname | unternehmen | société | entreprise | raison sociale | empresa
    | nombre de la empresa | azienda | ragione sociale | bedrijf | bedrijfsnaam | الشركة | اسم الشركة | 会社名 | 公司
    | företag | företagsnamn | virksomhed | společnost | компания | şirket
    ? organization | employer | account name | business name
website: website | web site | web page | webpage | homepage | webseite | site web | site internet
    | sitio web | sito web
    | página web | الموقع الإلكتروني ? url | web | site
birth date: birth date | birthdate | date of birth | birthday | dob | geburtsdatum | geburtstag | geb. datum
    | date de naissance | fecha de nacimiento | data di nascita | data de nascimento | geboortedatum | data urodzenia
    | geb am | geboren am | né le | née le | né e le | nato il | nata il | geboren op | nascido em | nacido el
    | تاريخ الميلاد | 生年月日
    | födelsedatum | fødselsdato | datum narození | дата рождения | doğum tarihi
    ? born | born on | geb | geboren | naissance | nacimiento
birth place: birth place | birthplace | place of birth | geburtsort | lieu de naissance | lugar de nacimiento
    | luogo di nascita | local de nascimento | naturalidade | geboorteplaats | مكان الميلاد
gender: gender | sex | geschlecht | sexe | sexo | sesso | geslacht | الجنس | 性別 ? genre | género | genere
date: date | datum | fecha | التاريخ | 日付 | 日期
    | дата | tarih
    ? data | day
start date: start date | date started | starting date | begin date | startdatum | anfangsdatum | date de début
    | fecha de inicio
    | data di inizio | data inizio | data de início | begindatum | تاريخ البدء ? beginn | start | début | inicio
end date: end date | date ended | ending date | finish date | enddatum | date de fin | fecha de fin | fecha final
    | data di fine
    | data fine | data de fim | einddatum | تاريخ الانتهاء ? ende | end | fin
order date: order date | bestelldatum | auftragsdatum | date de commande | fecha de pedido | data ordine
    | data do pedido | orderdatum | besteldatum | data da encomenda | fecha del pedido | تاريخ الطلب
    | ordredato | beställningsdatum | data zamówienia | datum objednávky | дата заказа | sipariş tarihi | 注文日
    ? ordered | ordered on | date ordered | bestellt am | commandé le | ordinato il
invoice date: invoice date | rechnungsdatum | date de facture | date de facturation | fecha de factura | data fattura
    | data da fatura | factuurdatum | تاريخ الفاتورة
    | fakturadatum | fakturadato | data faktury | дата счета | fatura tarihi
due date: due date | fälligkeit | fälligkeitsdatum | date d'échéance | échéance | fecha de vencimiento | scadenza
    | data di scadenza | data de vencimento | vervaldatum | تاريخ الاستحقاق ? fällig am | vencimiento
    | vencimento | payment due | vence
gross amount: gross amount | gross | bruttobetrag | brutto | montant brut | importe bruto | importo lordo
    | montant ttc | ttc | valor bruto | brutobedrag | bruto
net amount: net amount | net | nettobetrag | netto | montant net | importe neto | importo netto | montant ht
    | total ht | hors taxe | montant hors taxe | imponibile | base imponible | base imposable | valor líquido
    | nettobedrag | netto bedrag | الصافي ? base | líquido
amount: amount | betrag | montant | importe | importo | montante | bedrag | kwota | المبلغ | 金額 | 金额
    | belopp | beløb | beløp | částka | сумма | tutar
    ? sum | value | wert | valor
total: total | total amount | grand total | gesamt | gesamtbetrag | gesamtsumme | summe | montant total
    | importe total
    | totale | totaal | totaalbedrag | valor total | importo totale | الإجمالي | المجموع
    | totalbelopp | totalbeløb | totalbeløp | kwota razem | celková částka | итого | toplam tutar | 合計金額 | 合計
    ? montant ttc
    | total ttc | gross
quantity: quantity | qty | q tà | q té | menge | anzahl | stückzahl | quantité | qté | cantidad | quantità
    | quantidade | aantal | hoeveelheid | ilość | الكمية | 数量
    | antal | antall | množství | количество | miktar
    ? pieces | stück | units | count
price: price | preis | prix | precio | prezzo | preço | prijs | cena | السعر | 価格 | 价格
    | pris | цена | fiyat
    ? rate | cost | kosten
unit price: unit price | p u | p u ht | price per unit | price each | einzelpreis | stückpreis | prix unitaire
    | precio unitario
    | prezzo unitario | preço unitário | eenheidsprijs | stukprijs | stuksprijs | سعر الوحدة | 単価
    | styckpris | stykpris | enhetspris | enhedspris | cena jednostkowa | jednotková cena | цена за единицу
    | birim fiyat | birim fiyatı
currency: currency | currency code | währung | devise | moneda | divisa | moeda | waluta | العملة | 通貨 | 货币
    | měna | валюта | para birimi
    ? monnaie | munt | valuta
vat: vat | mwst | mehrwertsteuer | ust | umsatzsteuer | tva | iva | btw | ضريبة القيمة المضافة
    ? tax | gst | steuer | imposto | impuesto | imposta | belasting | الضريبة
tax: tax | tax amount | steuer | steuerbetrag | taxe | taxes | impuesto | impuestos | imposta | imposte | imposto
    | impostos | belasting | الضريبة ? vat | mwst | ust | tva | iva | btw | gst | sales tax
vat rate: vat rate | mwst satz | mehrwertsteuersatz | taux de tva | tipo de iva | aliquota iva | taxa de iva
    | btw tarief
    | btw percentage ? tax rate | steuersatz | aliquota
tax rate: tax rate | steuersatz | taux de taxe | tipo impositivo | aliquota | taxa de imposto ? vat rate | mwst satz
vat number: vat number | vat id | ust id | ust idnr | ust id nummer | umsatzsteuer id | numéro de tva | numéro tva
    | tva intracommunautaire | partita iva | p iva | número de iva | btw nummer | nif iva | الرقم الضريبي
    ? tax number | nif
tax number: tax number | tax id | steuernummer | steuer id | numéro fiscal | número fiscal | codice fiscale
    | número de contribuinte | fiscaal nummer ? nif | cif | nip | rfc | vat number | vat id | steuer nummer
invoice number: invoice number | invoice id | rechnungsnummer | rechnungs number | numéro de facture
    | número de factura
    | numero fattura | numero di fattura | número da fatura | factuurnummer | رقم الفاتورة | facture number
    | factura number | fattura number
    | fakturanummer | numer faktury | číslo faktury | номер счета | fatura numarası
    ? bill number
order number: order number | order id | bestellnummer | bestell number | auftragsnummer | auftrags number
    | numéro de commande | número de pedido | numero ordine | número do pedido | ordernummer | bestelnummer
    | رقم الطلب | 注文番号
    | ordrenummer | numer zamówienia | číslo objednávky | номер заказа | sipariş numarası | sipariş no
customer number: customer number | customer id | client number | client id | kundennummer | kundennr | kunden number
    | kunden id | numéro client | numéro de client | número de cliente | codice cliente | klantnummer
    | رقم العميل
    | kundnummer | kundenummer | numer klienta | číslo zákazníka | номер клиента | müşteri numarası
    ? customer code | account number
employee number: employee number | employee id | staff number | personalnummer | personal number | mitarbeiternummer
    | matricule | número de empleado | matricola | personeelsnummer | رقم الموظف ? badge number | staff id
    | personnel number
    | código de empleado | código do funcionário | número de funcionário | codice dipendente | medewerker nummer
item number: item number | item id | article number | artikelnummer | artikelnr | art number | artikel number
    | numéro d'article | código de artículo | numero articolo | رقم الصنف ? sku | product code | part number
    | reference
    | référence article | réf article | référence de l'article | referencia del artículo | riferimento articolo
    | referência do artigo | article code | codice articolo | código de producto | code article | stock keeping unit
product: product | product name | produkt | produktname | produit | producto | prodotto | produto | المنتج | 商品 | 产品
    | nom du produit | nombre del producto | nome prodotto | nome do produto | productnaam | اسم المنتج
    | produktnamn | produktnavn | продукт | ürün
    ? item | article | artikel | artículo | articolo | title
customer: customer | client | kunde | cliente | klant | العميل | 顧客 | 客户
    | kund | klient | zákazník | клиент | müşteri
    ? customer name | kundenname | account | buyer
description: description | beschreibung | descripción | descrizione | descrição | omschrijving | الوصف | 説明
    ? bezeichnung | details | libellé | title | désignation | concepto
note: note | notes | remark | remarks | comment | comments | bemerkung | bemerkungen | kommentar | anmerkung
    | anmerkungen | notiz | notizen | remarque | remarques | commentaire | commentaires | observación | observaciones
    | comentario | comentarios | nota | notas | osservazioni | annotazioni | observações | opmerking | opmerkingen
    | ملاحظات | ملاحظة | 備考 | 备注 ? memo | info
department: department | abteilung | departamento | reparto | dipartimento | afdeling | القسم | 部署 | 部门 ? service
    | division | département
manager: manager | line manager | vorgesetzter | responsable | responsable hiérarchique | responsabile | gerente
    | leidinggevende | المدير ? supervisor | boss | lead | reports to | jefe | jefa | gestor | superior | capo | chef
    | führungskraft | teamleiter | team lead
salutation: salutation | anrede | civilité | tratamiento | titolo di cortesia | aanhef ? title | honorific
job title: job title | berufsbezeichnung | stellenbezeichnung | intitulé du poste
    | mansione | puesto | cargo | qualifica | functie | المسمى الوظيفي
    ? position | role | function | funktion | fonction | función | funzione | função | occupation | beruf | job
volume: volume | volumen | الحجم ? cubic meters | rauminhalt
reference: reference | referenz | référence | referencia | riferimento | referência | referentie | المرجع ? ref code
weight: weight | gewicht | poids | peso | الوزن | 重量 ? mass | gross weight | net weight | bruttogewicht
    | nettogewicht | poids brut | poids net | peso bruto | peso neto | peso lordo | peso netto | brutogewicht
height: height | höhe | hauteur | altura | altezza | hoogte | الارتفاع ? alto | size
width: width | breite | largeur | anchura | larghezza | largura | breedte | العرض ? ancho
length: length | länge | longueur | longitud | lunghezza | comprimento | lengte | الطول
color: color | colour | farbe | couleur | colore | cor | kleur | اللون | 色 | 颜色
size: size | größe | taille | talla | taglia | tamanho | maat | المقاس ? dimension
category: category | kategorie | catégorie | categoría | categoria | categorie | الفئة | カテゴリ | 类别
    ? type | group | class
status: status | statut | estatus | stato | الحالة
    | situação | stav | статус | durum | ステータス
    ? state | estado | bearbeitungsstatus | auftragsstatus
    | bestellstatus | order status | current status
language: language | sprache | langue | idioma | lingua | língua | taal | اللغة | 言語 | 语言 ? locale
nationality: nationality | staatsangehörigkeit | nationalität | nationalité | nacionalidad | nazionalità | الجنسية
username: username | user name | login name | benutzername | nom d'utilisateur | nombre de usuario
    | nome utente | gebruikersnaam | اسم المستخدم ? login | user | user id
iban: iban | iban number ? bank account
latitude: latitude | breitengrad | latitud | latitudine | خط العرض
longitude: longitude | längengrad | longitudine | خط الطول ? long
salary: salary | wage | wages | gehalt | lohn | salaire | salario | sueldo | stipendio | retribuzione | salário
    | ordenado | salaris | loon | wynagrodzenie | الراتب ? pay | compensation | vencimento | remuneration | income
hire date: hire date | hiring date | date hired | date of hire | joining date | date of joining | date joined
    | employment date | eintrittsdatum | einstellungsdatum | date d'embauche | fecha de contratación
    | fecha de ingreso | data di assunzione | data de admissão | data de contratação | datum in dienst
    | indiensttreding | in dienst sinds | تاريخ التعيين ? eintritt | date d'entrée | fecha de alta | joined
    | entry date
leaving date: leaving date | termination date | exit date | austrittsdatum | date de départ | date de sortie
    | fecha de baja | data di cessazione | data de demissão | datum uit dienst ? austritt | kündigungsdatum
marital status: marital status | familienstand | zivilstand | état civil | situation familiale | estado civil
    | stato civile | burgerlijke staat | الحالة الاجتماعية
cost center: cost center | cost centre | kostenstelle | centre de coût | centre de coûts | centro de coste
    | centro de costes | centro de costos | centro di costo | centro de custo | kostenplaats | مركز التكلفة ? kst
    | kostenträger
social security number: social security number | ssn | sozialversicherungsnummer | numéro de sécurité sociale
    | número de seguridad social ? national insurance number | bsn
employee: employee | mitarbeiter | mitarbeiterin | employé | empleado | dipendente | funcionário
    | colaborador | medewerker | الموظف ? staff | worker
supplier: supplier | vendor | lieferant | fournisseur | proveedor | fornitore | fornecedor | leverancier | المورد
    ? seller | supplier name
manufacturer: manufacturer | hersteller | fabricant | fabricante | produttore | fabrikant
    | الشركة المصنعة ? maker | producer
contact person: contact person | ansprechpartner | ansprechpartnerin | kontaktperson | personne de contact
    | persona de contacto | persona di contatto | pessoa de contacto | pessoa de contato | contactpersoon ? contact
invoice: invoice | rechnung | facture | factura | fattura | fatura | factuur | الفاتورة ? bill
order: order | bestellung | auftrag | commande | pedido | ordine | encomenda | bestelling | zamówienie | الطلب
project: project | project name | projekt | projet | proyecto | progetto | projeto | المشروع
booking date: booking date | posting date | buchungstag | buchungsdatum | date comptable | date d'opération
    | date opération | fecha de operación | fecha operación | fecha contable | data contabile | data operazione
    | data do movimento | data movimento | data de lançamento | boekdatum | boekingsdatum | تاريخ العملية
    ? transaction date | buchung | transactiedatum | date
value date: value date | valutadatum | wertstellung | wertstellungsdatum | wertstellungstag | date de valeur
    | date valeur | fecha valor | fecha de valor | data valuta | data di valuta | data valor | rentedatum
    | تاريخ القيمة
    ? valuta | effective date
balance: balance | account balance | saldo | kontostand | solde | الرصيد ? running balance
purpose: purpose | payment purpose | verwendungszweck | causale | mededeling | mededelingen | الغرض
    ? concepto | libellé | motif | omschrijving | payment reference | payment details | reference | zweck
    | description
    | memo | narrative | remittance information | descrizione | descrição | objet
payee: payee | beneficiary | begünstigter | zahlungsempfänger | bénéficiaire | beneficiario | beneficiário
    | begunstigde | المستفيد ? recipient | empfänger | counterparty
payer: payer | auftraggeber | zahlungspflichtiger | donneur d'ordre | ordenante | ordinante | opdrachtgever | الدافع
    ? debtor | counterparty | sender
counterparty: counterparty | counter party | contrapartida | contraparte | controparte | tegenpartij
    ? payee | beneficiary | begünstigter | begünstigter zahlungspflichtiger | auftraggeber empfänger
    | auftraggeber begünstigter | bénéficiaire | beneficiario | beneficiário | begunstigde | zahlungsempfänger
    | payer | naam tegenpartij
bic: bic | swift | swift code | bic code | swift bic | bic swift | code bic | código swift | código bic | codice bic
    | رمز السويفت
account number: account number | kontonummer | numéro de compte | número de cuenta | numero di conto | numero conto
    | número da conta | número de conta | rekeningnummer | رقم الحساب ? iban
account holder: account holder | account owner | kontoinhaber | titulaire du compte | titular de la cuenta | titular
    | intestatario | titular da conta | rekeninghouder | صاحب الحساب
bank: bank | bank name | banque | banco | banca | nome della banca | البنك ? kreditinstitut | financial institution
debit: debit | debit amount | débit | débito | addebito | dare ? soll | debe | cargo | cargos | af | withdrawal
credit: credit | credit amount | crédit | crédito | accredito | avere ? haben | haber | abono | abonos | bij | deposit
fee: fee | fees | gebühr | gebühren | frais | comisión | commissione | commissioni | comissão | الرسوم ? charge
    | charges | taxa
payment method: payment method | payment type | zahlungsart | zahlungsmethode | zahlungsweise | mode de paiement
    | moyen de paiement | método de pago | forma de pago | metodo di pagamento | modalità di pagamento
    | método de pagamento | forma de pagamento | betaalmethode | betaalwijze | طريقة الدفع
payment date: payment date | paid on | date paid | zahlungsdatum | bezahlt am | date de paiement | fecha de pago
    | data di pagamento | data pagamento | data de pagamento | betaaldatum | تاريخ الدفع
discount: discount | rabatt | nachlass | remise | réduction | descuento | sconto | desconto | korting | الخصم ? rebate
carrier: carrier | shipping company | spediteur | frachtführer | transporteur | transportista | corriere | vettore
    | transportadora | vervoerder | الناقل | شركة الشحن ? courier | forwarder | versanddienstleister | spedition
    | logistics provider | shipped via
sender: sender | shipper | consignor | absender | versender | expéditeur | remitente | mittente | remetente
    | afzender | المرسل
recipient: recipient | consignee | empfänger | destinataire | destinatario | destinatário | ontvanger | المستلم
    | المرسل إليه ? receiver | addressee
shipping date: shipping date | ship date | shipment date | shipped on | dispatch date | date shipped | versanddatum
    | date d'expédition | date d'envoi | fecha de envío | fecha de expedición | data di spedizione | data spedizione
    | data de envio | data de expedição | verzenddatum | تاريخ الشحن
delivery date: delivery date | date delivered | lieferdatum | liefertermin | date de livraison | fecha de entrega
    | data di consegna | data consegna | data de entrega | leverdatum | afleverdatum | bezorgdatum | تاريخ التسليم
    ? delivered on
tracking number: tracking number | tracking id | tracking code | sendungsnummer | sendungs id
    | sendungsverfolgungsnummer
    | paketnummer | trackingnummer | numéro de suivi | número de seguimiento | numero di tracking
    | numero di tracciamento | codice di tracciamento | número de rastreio | código de rastreio | رقم التتبع
    ? track and trace | shipment number | waybill number
pieces: pieces | packages | parcels | number of pieces | number of packages | colli | packstücke | anzahl packstücke
    | colis | nombre de colis | bultos | número de bultos | numero colli | aantal colli | عدد الطرود ? volumes | boxes
    | stück | cartons
destination: destination | zielort | bestimmungsort | destino | destinazione | bestemming | الوجهة ? ziel
origin: origin | herkunft | ursprung | provenance | origine | origen | origem | herkomst | المنشأ
shipping cost: shipping cost | shipping costs | shipping fee | delivery cost | delivery fee | versandkosten
    | lieferkosten
    | frais de port | frais de livraison | frais d'expédition | gastos de envío | costes de envío
    | spese di spedizione | costi di spedizione | portes de envio | custos de envio | frete | verzendkosten
    | bezorgkosten | تكلفة الشحن ? freight | fracht | porto | shipping | postage
shipping address: shipping address | delivery address | lieferadresse | lieferanschrift | versandadresse
    | adresse de livraison | adresse d'expédition | dirección de envío | dirección de entrega
    | indirizzo di spedizione | indirizzo di consegna | endereço de entrega | morada de entrega | afleveradres
    | bezorgadres | verzendadres | عنوان الشحن | عنوان التسليم ? ship to
billing address: billing address | invoice address | rechnungsadresse | rechnungsanschrift | adresse de facturation
    | dirección de facturación | indirizzo di fatturazione | endereço de faturação | morada de faturação
    | endereço de cobrança
    | factuuradres | عنوان الفاتورة ? bill to
brand: brand | brand name | marke | markenname | marque | marca | merk | العلامة التجارية
barcode: barcode | bar code | ean | gtin | upc | ean code | strichcode | code barres | code à barres
    | código de barras
    | codice a barre | streepjescode | الباركود
stock: stock | in stock | stock quantity | stock level | quantity in stock | on hand | quantity on hand | lagerbestand
    | quantité en stock | en stock | existencias | giacenza | scorte | estoque | voorraad | المخزون
    ? inventory | bestand | available | lager | disponible | magazzino
warehouse: warehouse | lagerort | entrepôt | almacén | magazzino | armazém | magazijn | المستودع ? lager | dépôt
supplier number: supplier number | vendor number | lieferantennummer | numéro de fournisseur | número de proveedor
    | codice fornitore | leveranciersnummer
contract number: contract number | vertragsnummer | numéro de contrat | número de contrato | numero contratto
    | contractnummer | رقم العقد
purchase price: purchase price | buying price | einkaufspreis | prix d'achat | precio de compra | prezzo di acquisto
    | preço de compra | inkoopprijs | سعر الشراء ? cost | cost price
sales price: sales price | selling price | retail price | verkaufspreis | prix de vente | precio de venta
    | prezzo di vendita | preço de venda | verkoopprijs | سعر البيع
net weight: net weight | nettogewicht | poids net | peso neto | peso netto | peso líquido
gross weight: gross weight | bruttogewicht | poids brut | peso lordo | peso bruto | brutogewicht
unit: unit | unit of measure | mengeneinheit | maßeinheit | einheit | unité | unidad | unidad de medida
    | unità di misura | unità | unidade | eenheid | الوحدة ? uom
location: location | standort | lieu | emplacement | ubicación | ubicazione | localização | locatie
    | الموقع ? site | ort
    | local | place
region: region | région | región | regione | região | regio | المنطقة ? area | zone
year: year | jahr | année | año | anno | ano | jaar | السنة | العام
month: month | monat | mois | mes | mese | mês | maand | الشهر
week: week | calendar week | woche | kalenderwoche | semaine | semana | settimana | الأسبوع ? kw
time: time | time of day | uhrzeit | heure | hora | ora | tijd | الوقت ? zeit
age: age | alter | âge | edad | idade | leeftijd | العمر ? età
created date: created | created at | created on | creation date | date created | erstellt am | erstelldatum
    | erstellungsdatum | date de création | fecha de creación | data di creazione | data de criação | aanmaakdatum
    | تاريخ الإنشاء
modified date: modified | modified at | last modified | updated at | last updated | geändert am | änderungsdatum
    | date de modification | fecha de modificación | data di modifica | data de alteração | wijzigingsdatum
    | تاريخ التعديل
id: id | identifier | ident | kennung | identifiant | identificador | identificativo | المعرف ? key | code | record id
"""

# What words are put together of in German and Dutch (`Rechnungsnr`): what it is about, what of it.
_ABOUT = """
rechnungs factuur: invoice
bestell auftrags bestel order: order
kunden kunde klant klanten: customer
lieferanten leveranciers: supplier
mitarbeiter personal personeels medewerkers: employee
artikel waren: item
produkt product: product
liefer lever aflever: delivery
versand verzend: shipping
zahlungs betaal: payment
buchungs boekings: booking
vertrags contract: contract
projekt project: project
konto rekening: account
firmen bedrijfs: company
geburts geboorte: birth
steuer: tax
netto: net
brutto bruto: gross
gesamt totaal: total
sendungs zendings: shipment
tracking: tracking
lager: warehouse
wert: value
bank: bank
"""
_OF_IT = """
nummer nr no num: number
id kennung: id
datum: date
adresse anschrift adres: address
name naam: name
preis prijs: price
betrag bedrag summe: amount
menge anzahl: quantity
gewicht: weight
beschreibung bezeichnung text omschrijving: description
status: status
code: code
art typ soort: type
währung waehrung valuta: currency
einheit eenheid: unit
stadt plaats: city
land: country
telefon telefoon: phone
mail email: email
"""


def compounds() -> tuple[dict[str, str], dict[str, str]]:
    """(what words may begin with, what they may end with) -> what it means."""
    return _table(_ABOUT), _table(_OF_IT)


def _table(lines: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines.strip().splitlines():
        words, _, meaning = line.partition(": ")
        found |= dict.fromkeys(words.split(), meaning)
    return found


def meanings(bare: dict[int, str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """(meaning, the phrases that mean it, those that may), translated by `bare`: words parted by blanks."""
    lines = LINES.replace("\n    ", " ").replace("-", " ").replace("'", " ").replace(".", " ").translate(bare)
    for line in lines.strip().splitlines():
        meaning, _, phrases = line.partition(":")
        sure, _, unsure = phrases.partition(" ? ")
        yield meaning, sure.split("|"), unsure.split("|") if unsure else []
